import { describe, expect, it } from 'vitest';

import { isPawlError, ShellError, TimeoutError } from './errors.ts';

/** As the journal gives an error back: same name, message and fields, no class of ours. */
function revived(name: string, fields: object): Error {
  return Object.assign(new Error('as recorded'), { name }, fields);
}

const shell = new ShellError('failed', { exitCode: 3, signal: null, stdout: 'out', stderr: '' });

describe('isPawlError', () => {
  it.each([
    ['an error of ours', new TimeoutError('late'), true],
    ['one that came out of the journal', revived('ShellError', { code: 'SHELL', exitCode: 3 }), true],
    ['another error with a code like ours', revived('ConnectionError', { code: 'TIMEOUT' }), false],
    ['an error without a code', new Error('plain'), false],
    ['no error at all', { name: 'ShellError', code: 'SHELL' }, false],
  ])('of %s', (_, error, expected) => {
    expect(isPawlError(error)).toBe(expected);
  });

  it('of a code is true of that code only, and gives the fields of its class', () => {
    const error: unknown = shell;
    expect(isPawlError(error, 'TIMEOUT')).toBe(false);
    expect(isPawlError(error, 'SHELL') && error.exitCode).toBe(3);
  });
});
