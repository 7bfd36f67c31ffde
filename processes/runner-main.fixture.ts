import { argv, kill, pid, stdout } from 'node:process';

import { openRuntime } from '@pawl/runtime';

import { EXAMPLES, type Example } from './examples.fixture.ts';

// A program that runs one of the processes, or goes on with it, and prints the result. It kills itself, as hard
// as kill -9 from outside, when so many tasks have settled: whoever watches it may be slower than it is.

const [name, path, inputs, killAt] = argv.slice(2) as [Example, string, string, string];
const id = 'killed';

const runtime = await openRuntime({ path });
const handle =
  runtime.get(id) === undefined
    ? runtime.start(EXAMPLES[name], JSON.parse(inputs) as never, { id })
    : runtime.resume(id, EXAMPLES[name]);
let settled = 0;
for await (const { event } of handle.events()) {
  if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed') settled += 1;
  if (settled === Number(killAt)) kill(pid, 'SIGKILL');
}
stdout.write(JSON.stringify(await handle.result()));
await runtime.close();
