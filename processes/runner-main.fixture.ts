import { argv, stdout } from 'node:process';

import { openRuntime } from '@pawl/runtime';

import { EXAMPLES, type Example } from './examples.fixture.ts';

// A program that runs one of the processes, or goes on with it: tells each settled task, then the result.

const [name, path, inputs] = argv.slice(2) as [Example, string, string];
const id = 'killed';

const runtime = await openRuntime({ path });
const handle =
  runtime.get(id) === undefined
    ? runtime.start(EXAMPLES[name], JSON.parse(inputs) as never, { id })
    : runtime.resume(id, EXAMPLES[name]);
for await (const { event } of handle.events()) {
  if (event.type === 'TaskSucceeded' || event.type === 'TaskFailed') stdout.write(`settled ${event.key}\n`);
}
stdout.write(`result ${JSON.stringify(await handle.result())}\n`);
await runtime.close();
