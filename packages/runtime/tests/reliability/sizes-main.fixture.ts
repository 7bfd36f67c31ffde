/** Values of a size, in every place where one can stand: `sizes-main.fixture.ts <journal> <bytes>`. Run with a small heap. */
import { argv } from 'node:process';
import { defineTask, type Process } from '@pawl/sdk';
import { openRuntime } from '@pawl/runtime';
import { tell } from './world.fixture.ts';

const [path = '', bytes = '0'] = argv.slice(2);
const size = Number(bytes);

/** Of more than this only bytes, which are kept outside of the heap. */
const MOST_TEXT = 64 * 1024 * 1024;

const makes: Readonly<Record<string, () => unknown>> = {
  bytes: () => new Uint8Array(size),
  ...(size <= MOST_TEXT ? { text: () => 'é'.repeat(size) } : {}),
};

const gives = defineTask({ name: 'gives', run: (how: string): unknown => makes[how]?.() });
const takes = defineTask({ name: 'takes', run: (value: unknown): string => typeof value });
const fails = defineTask({
  name: 'fails',
  run: (how: string): never => {
    throw Object.assign(new RangeError(how === 'text' ? String(makes['text']?.()) : 'bytes'), {
      value: makes[how]?.(),
    });
  },
});

const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.name} < ${error.cause.name}` : error.name;
};
const told = (act: () => unknown): Promise<string> =>
  Promise.resolve()
    .then(act)
    .then(() => 'kept', nameOf);

const everywhere: Process<string> = async (how, ctx) => ({
  output: await told(() => ctx.task(gives, how)),
  input: await told(() => ctx.task(takes, makes[how]?.())),
  error: await told(() => ctx.task(fails, how)),
  state: await told(() => ctx.setState('value', makes[how]?.() as never)),
});
const waits: Process<null> = (_, ctx) => ctx.receive('go');
const given: Process<unknown> = (value) => typeof value;

await using runtime = await openRuntime({ path });
for (const how of Object.keys(makes)) {
  const places = await runtime.start(everywhere, how, { id: how }).result();
  const waiting = runtime.start(waits, null, { id: `${how}-message` });
  const message = await told(() => runtime.send(waiting.id, 'go', makes[how]?.()));
  if (message !== 'kept') await runtime.send(waiting.id, 'go', null);
  await waiting.result();
  const inputs = await told(() => runtime.start(given, makes[how]?.(), { id: `${how}-inputs` }).result());
  const { reached } = await runtime.replay(how, everywhere);
  tell({ at: 'size', how, ...(places as object), message, inputs, reached });
}
tell({ at: 'verified', damage: runtime.store.verify().damage });
