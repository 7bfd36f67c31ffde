/** A program that rejects outside any run; 'with' Pawl at work beside it or 'without'. It ends by that, or does not. */
import type { Process } from '@pawl/sdk';
import { openRuntime } from '@pawl/runtime';

const [mode = '', reason = '', listener = ''] = process.argv.slice(2);
const REASONS: Readonly<Record<string, () => unknown>> = {
  error: () => new RangeError('not of Pawl'),
  undefined: () => undefined,
  text: () => 'a text',
  frozen: () => Object.freeze({ a: 1 }),
};
const LISTENERS: Readonly<Record<string, () => void>> = {
  uncaught: () => {
    process.on('uncaughtException', (error: unknown, origin) => {
      process.stdout.write(`uncaught ${origin} ${String(error)}\n`);
    });
  },
  monitor: () => {
    process.on('uncaughtExceptionMonitor', (error: unknown, origin) => {
      process.stdout.write(`monitor ${origin} ${String(error)}\n`);
    });
  },
  unhandled: () => {
    process.on('unhandledRejection', (what) => process.stdout.write(`unhandled ${String(what)}\n`));
  },
};
LISTENERS[listener]?.();

if (mode === 'with') {
  const runtime = await openRuntime({
    path: ':memory:',
    onWarning: (_, message) => process.stdout.write(`warning ${message}\n`),
  });
  const busy: Process = (_, ctx) => ctx.sleep(60_000);
  const handle = runtime.start(busy, null as never, { id: 'r' });
  handle.result().catch(() => undefined);
  // Gone with the program, or with the end of its work.
  setTimeout(() => void runtime.close(), 50);
}
setTimeout(() => {
  void Promise.reject(REASONS[reason]?.());
}, 5);
setTimeout(() => {
  void Promise.reject(new TypeError('a second one'));
}, 20);
