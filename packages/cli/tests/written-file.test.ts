import { expect, test } from 'vitest';

import { cannotBeWritten } from '../src/written-file.ts';

test.each([
  ['ENOSPC', 'STORAGE'],
  ['EROFS', 'STORAGE'],
  ['EACCES', 'REFUSED'],
  ['ENOENT', 'REFUSED'],
])('a file that cannot be written for %s is %s', (code, expected) => {
  expect(cannotBeWritten('report.svg', Object.assign(new Error('no'), { code }))).toMatchObject({
    code: expected,
    data: { path: 'report.svg' },
  });
});
