export { MemoryStore } from './store/memory/memory-store.ts';
export { ManualClock } from './testing/manual-clock.ts';
export { seededEntropy } from './testing/seeded-entropy.ts';
export { mock, type MockContext, type TaskMock } from './testing/mock.ts';
export type { Invocation } from './testing/stand-ins.ts';
export { testRuntime, type TestRuntime, type TestRuntimeOptions } from './testing/test-runtime.ts';
