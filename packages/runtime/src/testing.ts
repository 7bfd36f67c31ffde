export { MemoryStore } from './store/memory/memory-store.ts';
export { ManualClock } from './testing/manual-clock.ts';
export { seededEntropy } from './testing/seeded-entropy.ts';
export { mock, type MockContext, type TaskMock } from './testing/mock.ts';
export type { Invocation } from './testing/stand-ins.ts';
export { testRuntime, type TestRuntime, type TestRuntimeOptions } from './testing/test-runtime.ts';
export { crashEverywhere, type CrashOptions } from './testing/crash-everywhere.ts';
export type {
  CrashCause,
  CrashFinding,
  CrashOutcome,
  CrashPoint,
  CrashReport,
  CrashRow,
} from './testing/crash-report.ts';
export type { WorldEvent } from './testing/crash-trial.ts';
export type { ImpureSite } from './guard/process-watch.ts';
export { assertReplays, recordFixture, type FixtureOptions } from './testing/replay-fixture.ts';
