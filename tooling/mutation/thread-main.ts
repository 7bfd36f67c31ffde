/**
 * The thread of `kept-thread.ts`. Vitest itself stays in it from one mutant to the next, and so does what Vite made of
 * the files; but all modules are evaluated anew for each mutant, so that none sees what another one left.
 */
import { parentPort } from 'node:worker_threads';

import { init, runBaseTests, setupEnvironment } from 'vitest/worker';

type State = Parameters<typeof runBaseTests>[1];
type Listener = (message: unknown) => void;

const port = parentPort;
if (port === null) throw new TypeError('this is for a thread');

/** The first one is that of `init`; the others are of one run, and go with it. */
const listeners: Listener[] = [];
let evaluated: State['evaluatedModules'] | undefined;

function forget(state: State): void {
  for (const [id, module] of evaluated?.idToModuleMap ?? []) {
    if (/\/vitest\/dist\//.test(id)) continue;
    module.promise = undefined;
    module.exports = undefined;
    module.evaluated = false;
    module.importers.clear();
  }
  // Where Stryker keeps which mutant is on: one that changes what a module is when it is loaded would stay.
  Reflect.deleteProperty(globalThis, String(state.providedContext['globalNamespace']));
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
    forget(state);
    await runBaseTests('run', state, traces);
    evaluated = state.evaluatedModules;
  },
  collectTests: (state, traces) => runBaseTests('collect', state, traces),
  setup: setupEnvironment,
});
