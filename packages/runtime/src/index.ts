export type { CallKey } from './journal/call-key.ts';
export type { ErrorRecord } from './journal/error-record.ts';
export type { JournalEvent, Recorded, TerminalEvent } from './journal/event.ts';
export { isTerminal } from './journal/event.ts';
export type { Millis, RunId, Seq } from './journal/ids.ts';
export { InvariantError } from './journal/invariant.ts';
export type { LogEntry } from './engine/engine.ts';
export type { Limits } from './engine/limits.ts';
export type { RunHandle } from './engine/run-handle.ts';
export type { InboxMessage, JournalStore, RunQuery, RunRecord } from './ports/journal-store.ts';
export { EXIT_CODES, RuntimeError, type RuntimeErrorCode } from './errors.ts';
export {
  DEFAULT_PATH,
  ENGINE_VERSION,
  openRuntime,
  type ReplayReport,
  type Runtime,
  type RuntimeOptions,
  type StartOptions,
} from './runtime.ts';
