import { appendFileSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { measure, serverOf } from '../peers/kit/peer.mjs';
import { perform } from '../peers/kit/perform.mjs';

// A peer whose journal is a file of lines, with a server that does nothing but tell its pid.

const journalIn = (dir) => join(dir, 'journal');

await measure({
  durability: 'none',
  note: 'a fake',
  most: { payload: 3 },

  serve(dir) {
    const server = serverOf('sleep', ['600'], { signal: 'KILL', log: openSync(join(dir, 'log'), 'a') });
    writeFileSync(join(dir, 'server.pid'), String(server.pids()[0]));
    return { ...server, env: {} };
  },

  open(dir) {
    writeFileSync(join(dir, 'program.pid'), String(process.pid));
    appendFileSync(journalIn(dir), '');
    const lines = () => readFileSync(journalIn(dir), 'utf8').split('\n').filter(Boolean);
    const recorded = new Map(lines().map((line) => JSON.parse(line)));
    const step = async (name, fn) => {
      if (process.env.FAKE === 'hangs') for (;;); // As a library does that is synchronous.
      if (recorded.has(name)) return recorded.get(name);
      const result = process.env.FAKE === 'lies' ? 'a lie' : await fn();
      appendFileSync(journalIn(dir), `${JSON.stringify([name, result])}\n`);
      return result;
    };
    return {
      async start(inputs) {
        const left = inputs.length > 0 ? inputs : [{ shape: 'resume', n: lines().length }];
        await Promise.all(left.map((input) => perform(input, step)));
      },
      sizes: () => ({ diskBytes: readFileSync(journalIn(dir)).length, walBytes: 0 }),
    };
  },
});
