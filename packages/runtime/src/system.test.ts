import { expect, test } from 'vitest';
import { systemCipher } from './system.ts';

const text = 'zwölf "Boxkämpfer"';

test('what is sealed is opened with its key only, and only as it is', () => {
  const key = systemCipher.newKey();
  const sealed = systemCipher.seal(key, text);
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(systemCipher.open(key, sealed)).toBe(text);
  expect(systemCipher.seal(key, text)).not.toBe(sealed);
  expect(systemCipher.open(systemCipher.newKey(), sealed)).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(systemCipher.open(key, changed.toString('base64')), `byte ${at}`).toBeUndefined();
    expect(systemCipher.open(key, bytes.subarray(0, at).toString('base64')), `${at} bytes`).toBeUndefined();
  }
});
