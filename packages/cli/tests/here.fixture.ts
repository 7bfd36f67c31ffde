import { Folder as Programs, type Ended } from './pawl.fixture.ts';
import { printed } from './printed.fixture.ts';

/**
 * Commands that only look, or leave something for a run: nothing of a user's is loaded, and a start of a program is
 * most of what they take. That each does the same as a program is tried by `as-programs.test.ts`.
 */
export const QUIET: ReadonlySet<string> = new Set(
  `list show why diff timeline events logs pools queue stats waiting
  tasks verify export send approve reject cancel resolve task`.split(/\s+/),
);

let last: Promise<unknown> = Promise.resolve();

/** One after the other: paths are relative to the working folder, and a process has one. */
async function inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = last.catch(() => undefined);
  const done = before.then(async () => {
    const back = process.cwd();
    process.chdir(folder);
    try {
      return await work();
    } finally {
      process.chdir(back);
    }
  });
  last = done;
  return await done;
}

/** A fresh folder without anything in it, where the commands above are done in this very process. */
export class Folder extends Programs {
  override async pawl(...args: readonly string[]): Promise<Ended> {
    if (!QUIET.has(args[0] ?? '') || args.includes('--follow')) return await super.pawl(...args);
    return await inTurn(this.path, async () => {
      const { code, out, err } = await printed(args, { cwd: this.path, now: Date.now() });
      return { code, signal: null, stdout: out, stderr: err };
    });
  }
}
