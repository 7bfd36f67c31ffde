import fs, { appendFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { cwd, env } from 'node:process';

// Loaded before a program (`--import`): writes each effect of the processes here as a line to the file
// PAWL_EFFECTS, when it begins. So what was done is known from outside, whatever the journal says.

function note(effect: string): void {
  appendFileSync(env['PAWL_EFFECTS'] ?? '/dev/null', `${effect}\n`);
}

const { open, readFile, writeFile } = promises;
const { createReadStream } = fs;

Object.assign(promises, {
  open: (...args: Parameters<typeof open>) => {
    note(`open ${String(args[0])}`);
    return open(...args);
  },
  readFile: (...args: Parameters<typeof readFile>) => {
    note(`read ${String(args[0])}`);
    return readFile(...args);
  },
  writeFile: (...args: Parameters<typeof writeFile>) => {
    note(`write ${String(args[0])}`);
    return writeFile(...args);
  },
});
Object.assign(fs, {
  createReadStream: (...args: Parameters<typeof createReadStream>) => {
    const [path, options] = args;
    const start = typeof options === 'object' ? options.start : undefined;
    note(`stream ${String(path)}${start === undefined ? '' : ` from ${start}`}`);
    return createReadStream(...args);
  },
});
syncBuiltinESMExports();

// A file of tests, in the process that `node --test` starts for it; its own does not load this.
if (env['NODE_TEST_CONTEXT'] !== undefined) note(`test ${basename(cwd())}`);
