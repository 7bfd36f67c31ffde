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

import type { RunnerTask, RunnerTestCase, RunnerTestFile, RunnerTestSuite } from 'vitest';
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
  // oxlint-disable-next-line unicorn/no-array-sort
  if (mode === 'mutant') state.ctx.files.sort((a, b) => lastFind(b.filepath) - lastFind(a.filepath));
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
  for (const { filepath, result } of collected.values())
    if (mode === 'mutant' && result?.state === 'fail') finders.push(filepath);
}

/** Files of tests that found a mutant, the latest last. Mutants of one module come one after another. */
const finders: string[] = [];

function lastFind(filepath: string): number {
  return finders.lastIndexOf(filepath);
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

/** How many mutants a test found: those that find most are asked first. */
const finds = new Map<string, number>();

/** @returns false where it says nothing: all has to be loaded anew */
async function runAgain(state: State): Promise<boolean> {
  const { globalNamespace, activeMutant, hitLimit } = toldBy(state);
  const files = state.ctx.files.map(({ filepath }) => collected.get(filepath));
  const pattern = state.config.testNamePattern;
  const asked: RunnerTestCase[] = [];
  for (const file of files) {
    if (file === undefined) return false;
    for (const test of testsIn(file.tasks)) if (pattern?.test(test.fullTestName) !== false) asked.push(test);
  }
  const mutant = Reflect.get(globalThis, globalNamespace) as Switch;
  Object.assign(mutant, { hitCount: 0, hitLimit });
  const ran: RunnerTestCase[] = [];
  for (const test of asked.toSorted((a, b) => (finds.get(b.id) ?? 0) - (finds.get(a.id) ?? 0))) {
    const startTime = performance.now();
    mutant.activeMutant = activeMutant;
    const failure = await failureOf(test);
    mutant.activeMutant = undefined;
    const result = { startTime, duration: performance.now() - startTime };
    // Its mode is another one where it was left out when its file was loaded.
    ran.push({
      ...test,
      mode: 'run',
      result:
        failure === undefined
          ? { ...result, state: 'pass' }
          : { ...result, state: 'fail', errors: [failure] },
    });
    if (failure === undefined) continue;
    const hits = mutant.hitCount;
    mutant.hitCount = undefined;
    if ((await failureOf(test)) !== undefined) return false;
    mutant.hitCount = hits;
    finds.set(test.id, (finds.get(test.id) ?? 0) + 1);
    break;
  }
  await state.rpc.onCollected(toldOf(ran, mutant.hitCount ?? 0));
  return true;
}

/** Files that hold no other tests than these: to tell of all takes longer than to run them. */
function toldOf(ran: readonly RunnerTestCase[], hitCount: number): RunnerTestFile[] {
  const copies = new Map<RunnerTestSuite, RunnerTestSuite>();
  const files: RunnerTestFile[] = [];
  const copyOf = (suite: RunnerTestSuite, file: RunnerTestFile): RunnerTestSuite => {
    const known = copies.get(suite);
    if (known !== undefined) return known;
    const parent = suite.suite === undefined ? file : copyOf(suite.suite, file);
    const copy: RunnerTestSuite = {
      ...suite,
      tasks: [],
      file,
      ...(parent === file ? {} : { suite: parent }),
    };
    parent.tasks.push(copy);
    copies.set(suite, copy);
    return copy;
  };
  for (const test of ran) {
    let file = files.find(({ id }) => id === test.file.id);
    if (file === undefined) {
      const meta = { ...test.file.meta, hitCount: files.length === 0 ? hitCount : 0 };
      file = { ...test.file, tasks: [], result: { state: 'pass' }, meta };
      file.file = file;
      files.push(file);
    }
    const suite = test.suite === undefined ? undefined : copyOf(test.suite, file);
    const copy = { ...test, file, ...(suite === undefined ? {} : { suite }) };
    (suite ?? file).tasks.push(copy);
    if (test.result?.state === 'fail') file.result = { state: 'fail' };
  }
  return files;
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
