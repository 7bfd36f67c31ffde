/**
 * Branches that no test can take, by file and a part of their line. They are there since the type of an indexed access
 * holds undefined, since other versions of Node have what this one has not, or since whoever calls throws nothing else.
 */
export const UNREACHABLE: Readonly<Record<string, readonly string[]>> = {
  'journal/base64.ts': [
    // Within the table, and within the bytes.
    '((bytes[i] ?? 0) << 16)',
    'CHAR_OF[bits >> 18] ?? 0',
    'CHAR_OF[(bits >> 12) & 63] ?? 0',
    'CHAR_OF[(bits >> 6) & 63] ?? 0',
    'CHAR_OF[bits & 63] ?? 0',
    // What Node has from 25 on.
    "typeof found === 'function' ? found : undefined",
    'NATIVE.encode === undefined ?',
    'if (NATIVE.decode === undefined)',
    'bytes.length === decodedLength(text) ?',
  ],
  // What Node 20 has not.
  'journal/builtin.ts': ["typeof found === 'function' ?"],
  'journal/native-error.ts': [
    "typeof found === 'function' ?",
    'if (Suppressed !== undefined)',
    'if (Dom !== undefined)',
  ],
  'journal/call-key.ts': ["left[i] ?? ''", "right[i] ?? ''"],
  'journal/refusal.ts': ["formatStep(steps[i] ?? ''"],
  'journal/ids.ts': ['[found[1] ?? runId'],
  // A record of all types.
  'journal/event-shape.ts': ['FIELDS.get(type) ?? []'],
  // What they call throws nothing else.
  'journal/error-record.ts': [": 'cannot be read'"],
  'journal/journal-text.ts': ['if (!(refusal instanceof StoredEventRefusal)) throw refusal'],
  // No type of event has a second version yet.
  'journal/stored-event.ts': ['UPCASTS.size === 0', 'UPCASTS.get('],
  'kernel/likely-cause.ts': ["split(' ', 1)[0] ?? ''"],
  // None of them is ever pending.
  'kernel/wake.ts': ["case 'group':", "case 'exit':", "case 'value':", "case 'state':"],
};
