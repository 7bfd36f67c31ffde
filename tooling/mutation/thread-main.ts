/**
 * The thread of `kept-thread.ts`: it stays from one mutant to the next, with Vitest, all modules and all tests in it. A mutant
 * is a switch in a module that is loaded, so its tests are called again, and nothing is loaded.
 *
 * Invariants:
 * 1. A mutant counts as found only where the test that found it passes without the mutant, in the same state. Where it does
 *    not, an earlier mutant left something: all is loaded anew, and the mutant is tried again.
 * 2. What is done once when a module is loaded is tried in modules that are loaded for it, and so is all where
 *    `PAWL_MUTATION_FRESH` is set: for tests that hold more than values.
 */
import { parentPort } from 'node:worker_threads';

import type { RunnerTask, RunnerTestCase, RunnerTestFile } from 'vitest';
import { init, runBaseTests, setupEnvironment } from 'vitest/worker';

type State = Parameters<typeof runBaseTests>[1];
type Traces = Parameters<typeof runBaseTests>[2];
type Listener = (message: unknown) => void;

/** Where Stryker keeps which mutant is on, and how often it was come by. */
interface Switch {
  activeMutant: string | undefined;
  hitCount: number | undefined;
  hitLimit: number | undefined;
}

const port = parentPort;
if (port === null) throw new TypeError('this is for a thread');

/** The first one is that of `init`; the others are of one run, and go with it. */
const listeners: Listener[] = [];
const collected = new Map<string, RunnerTestFile>();
let evaluated: State['evaluatedModules'] | undefined;
let mustForget = false;

function forget(globalNamespace: string): void {
  for (const [id, module] of evaluated?.idToModuleMap ?? []) {
    if (/\/vitest\/dist\//.test(id)) continue;
    module.promise = undefined;
    module.exports = undefined;
    module.evaluated = false;
    module.importers.clear();
  }
  collected.clear();
  Reflect.deleteProperty(globalThis, globalNamespace);
}

/** As Vitest does it, with what is loaded, or after all was forgotten. */
async function runAnew(state: State, traces: Traces): Promise<void> {
  const { globalNamespace, mode, mutantActivation } = toldBy(state);
  if (mustForget) forget(globalNamespace);
  mustForget = mode === 'mutant' && (mutantActivation === 'static' || isFresh);
  const rpc = state.rpc;
  state.rpc = new Proxy(rpc, {
    get: (target, name): unknown =>
      name === 'onCollected'
        ? (files: RunnerTestFile[]) => {
            for (const file of files) collected.set(file.filepath, file);
            return target.onCollected(files);
          }
        : Reflect.get(target, name),
  });
  await runBaseTests('run', state, traces);
  evaluated = state.evaluatedModules;
}

const isFresh = process.env['PAWL_MUTATION_FRESH'] === '1';

function toldBy({ providedContext }: State): {
  readonly globalNamespace: string;
  readonly mode: string;
  readonly mutantActivation: string | undefined;
  readonly activeMutant: string;
  readonly hitLimit: number | undefined;
} {
  return providedContext as never;
}

function* testsIn(tasks: readonly RunnerTask[]): Generator<RunnerTestCase> {
  for (const task of tasks) {
    if (task.type === 'test') yield task;
    else yield* testsIn(task.tasks);
  }
}

/** @returns what it threw, undefined where it passed */
async function failureOf(test: RunnerTestCase): Promise<{ readonly message: string } | undefined> {
  const { TestRunner } = await import('vitest');
  try {
    await TestRunner.getTestFn(test)();
    return undefined;
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error) };
  }
}

/** @returns false where it says nothing: all has to be loaded anew */
async function runAgain(state: State): Promise<boolean> {
  const { globalNamespace, activeMutant, hitLimit } = toldBy(state);
  const files = state.ctx.files.map(({ filepath }) => collected.get(filepath));
  const mutant = Reflect.get(globalThis, globalNamespace) as Switch;
  const pattern = state.config.testNamePattern;
  const ran: RunnerTestFile[] = [];
  let isFound = false;
  for (const file of files) {
    if (file === undefined) return false;
    ran.push(file);
    mutant.hitCount = 0;
    mutant.hitLimit = hitLimit;
    for (const test of testsIn(file.tasks)) {
      delete test.result;
      if (isFound || pattern?.test(test.fullTestName) === false) continue;
      // It may have been left out when its file was loaded.
      test.mode = 'run';
      const startTime = performance.now();
      mutant.activeMutant = activeMutant;
      const failure = await failureOf(test);
      mutant.activeMutant = undefined;
      const duration = performance.now() - startTime;
      test.result = { state: failure === undefined ? 'pass' : 'fail', startTime, duration };
      if (failure === undefined) continue;
      test.result.errors = [failure];
      isFound = true;
      const hits = mutant.hitCount;
      mutant.hitCount = undefined;
      if ((await failureOf(test)) !== undefined) return false;
      mutant.hitCount = hits;
    }
    file.result = { state: isFound ? 'fail' : 'pass' };
    Object.assign(file.meta, { hitCount: mutant.hitCount });
    if (isFound) break;
  }
  await state.rpc.onCollected(ran);
  return true;
}

init({
  post: (response) => port.postMessage(response, []),
  on: (listener: Listener) => {
    listeners.push(listener);
    port.on('message', listener);
  },
  off: (listener: Listener) => port.off('message', listener),
  teardown: () => {
    for (const listener of listeners.splice(1)) port.off('message', listener);
  },
  runTests: async (state, traces) => {
    const { mode, mutantActivation } = toldBy(state);
    const canStay = mode === 'mutant' && mutantActivation !== 'static' && !isFresh && !mustForget;
    if (canStay && (await runAgain(state))) return;
    mustForget ||= canStay;
    await runAnew(state, traces);
  },
  collectTests: (state, traces) => runBaseTests('collect', state, traces),
  setup: setupEnvironment,
});
