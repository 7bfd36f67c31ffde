/** A run as one page for `pawl export --html`: what the inspector shows, without a server. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createInspector, readPage, shareRun } from '@pawl/inspector';
import { openJournal, openRuntime, type JournalReader, type RunId } from '@pawl/runtime';

import { describeIn } from './serve/ui-app.ts';
import type { Io } from './terminal.ts';
import { writeWhole } from './written-file.ts';

/** @throws RuntimeError NOT_FOUND; USAGE for `redact` */
export async function runAsPage(
  reader: JournalReader,
  id: RunId,
  { redact, io }: { readonly redact: readonly string[]; readonly io: Io },
): Promise<string> {
  reader.get(id);
  if (redact.length === 0) return await pageOf(reader, id, io);
  // What is cut out of the text of an export is cut out here: the text becomes a journal, for a moment.
  const folder = await mkdtemp(join(tmpdir(), 'pawl-share-'));
  try {
    const path = join(folder, 'journal.db');
    const file = join(folder, randomUUID());
    writeWhole(file, file, reader.export(id, { redact }));
    const runtime = await openRuntime({ path, durability: 'normal' });
    try {
      runtime.copies.import({ file });
    } finally {
      await runtime.close();
    }
    using redacted = openJournal({ path });
    return await pageOf(redacted, id, io);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pageOf(reader: JournalReader, id: RunId, io: Io): Promise<string> {
  const page = readPage();
  const inspector = createInspector({
    reader,
    describe: describeIn({ cwd: io.cwd, flags: [] }),
    page,
    about: {},
    actions: undefined,
    closing: new AbortController().signal,
  });
  // What is refused is left out of it.
  inspector.onError((_, c) => c.json({}, 500));
  return await shareRun(inspector, page, id);
}
