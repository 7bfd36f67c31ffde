/** A program that runs processes as it is told, a JSON line each; see program.fixture.ts. */
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import { isPawlError } from '@pawl/sdk';
import { openRuntime, RuntimeError, type RunHandle, type Runtime, type RuntimeOptions } from '@pawl/runtime';
import { danger, poisons } from './poison.fixture.ts';
import { processes as harmless } from './processes.fixture.ts';
import { blocking, openGate, tell, writeEffectsTo } from './world.fixture.ts';

const processes = { ...harmless, ...poisons };
let runtime: Runtime | undefined;
/** The program goes when its run has ended, with the exit code of what it ended by. */
let leavesAtEnd = false;
/** How many more events are acknowledged before this program kills itself. */
let untilKill = Infinity;

function opened(): Runtime {
  if (runtime === undefined) throw new TypeError('not open');
  return runtime;
}

function describe(error: unknown): { code: string; exitCode: number; message: string } {
  if (error instanceof RuntimeError)
    return { code: error.code, exitCode: error.exitCode, message: error.message };
  if (isPawlError(error)) return { code: error.code, exitCode: 5, message: error.message };
  return {
    code: 'other',
    exitCode: 1,
    message: error instanceof Error ? String(error.stack) : String(error),
  };
}

async function follow(handle: RunHandle): Promise<void> {
  const { id } = handle;
  try {
    tell({ at: 'end', id, value: await handle.result() });
  } catch (error) {
    const told = describe(error);
    tell({ at: 'end', id, ...told });
    if (leavesAtEnd) process.exitCode = told.exitCode;
  }
  if (!leavesAtEnd) return;
  input.close();
  process.stdin.destroy();
  try {
    await runtime?.close();
    tell({ at: 'closed' });
  } catch (error) {
    const told = describe(error);
    tell({ at: 'closed', ...told });
    process.exitCode = told.exitCode;
  }
}

/** Tells each event once it is committed: what was told must never be lost. How the run ends is told by `follow`. */
async function acknowledge(handle: RunHandle): Promise<void> {
  for await (const { seq, event } of handle.events()) {
    tell({
      at: 'committed',
      id: handle.id,
      seq,
      type: event.type,
      ...('key' in event ? { key: event.key } : {}),
    });
    untilKill -= 1;
    if (untilKill === 0) process.kill(process.pid, 'SIGKILL');
  }
}

const COMMANDS: Readonly<Record<string, (...args: never[]) => unknown>> = {
  open: async (options: RuntimeOptions, effects?: string) => {
    if (effects !== undefined) writeEffectsTo(effects);
    runtime = await openRuntime({
      ...options,
      processes: Object.values(processes),
      onWarning: (id, message) => tell({ at: 'warning', id, message }),
      onWaiting: (id, keys) => tell({ at: 'waiting', id, keys }),
    });
    return runtime.store.describe();
  },
  leaveAtEnd: () => {
    leavesAtEnd = true;
  },
  killAfter: (events: number) => {
    untilKill = events;
  },
  block: (ms: number) => {
    blocking.ms = ms;
  },
  start: (name: string, inputs: never, id: string, tellsEvents?: boolean) => {
    const definition = processes[name];
    if (definition === undefined) throw new TypeError(`no process ${name}`);
    const handle = opened().start(definition, inputs, { id });
    if (tellsEvents === true) acknowledge(handle).catch(() => undefined);
    void follow(handle);
  },
  resume: (id: string, tellsEvents?: boolean) => {
    const handle = opened().resume(id);
    if (tellsEvents === true) acknowledge(handle).catch(() => undefined);
    void follow(handle);
  },
  go: (id: string, gate: string) => openGate(id, gate),
  disarm: () => {
    danger.armed = false;
  },
  checkSays: (what: typeof danger.check) => {
    danger.check = what;
  },
  stop: (id: string) => opened().stop(id),
  resolve: (...args: Parameters<Runtime['resolve']>) => opened().resolve(...args),
  verify: () => opened().store.verify(),
  list: () => opened().list({ limit: 100 }),
  get: (id: string) => opened().get(id),
  close: () => runtime?.close(),
};

async function answer(text: string): Promise<void> {
  const [name = '', ...args] = JSON.parse(text) as [string, ...never[]];
  try {
    tell({ at: 'answer', to: name, result: await COMMANDS[name]?.(...args) });
  } catch (error) {
    tell({ at: 'answer', to: name, ...describe(error) });
  }
}

const input = createInterface({ input: process.stdin });
let last: Promise<void> = Promise.resolve();
// One after the other, also those that came at once.
input.on('line', (text) => {
  last = last.then(() => answer(text));
});
flushCompileCache();
tell({ at: 'ready' });
