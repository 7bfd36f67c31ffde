/** What stops a benchmark: a bad argument, or a program that did not measure. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure';
  readonly code: 'USAGE' | 'PROGRAM';

  constructor(code: 'USAGE' | 'PROGRAM', message: string) {
    super(message);
    this.code = code;
  }
}
