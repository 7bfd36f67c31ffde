export type { CallKey } from './journal/call-key.ts';
export type { ErrorRecord } from './journal/error-record.ts';
export type { Encoded, JournalEvent, Recorded, TerminalEvent } from './journal/event.ts';
export { isTerminal } from './journal/event.ts';
export type { Millis, RunId, Seq } from './journal/ids.ts';
export { isRunId } from './journal/ids.ts';
export { InvariantError } from './journal/invariant.ts';
export {
  fromText,
  JournalTextRefusal,
  recordedOf,
  rowOf,
  toText,
  type JournalRow,
  type JournalText,
} from './journal/journal-text.ts';
export type { Answer } from './engine/answer.ts';
export type { Ack, Cancelled, SendOptions } from './engine/messenger.ts';
export type { Response } from './engine/response.ts';
export { logText } from './engine/log-text.ts';
export { isLevel, LOG_LEVELS, type LogLine } from './journal/log-line.ts';
export type { LogQuery } from './kept-logs.ts';
export type { Logger } from './log-lines.ts';
export type { LogEntry, ProgressEntry } from './engine/engine.ts';
export type { RuntimeEvent } from './engine/observer.ts';
export type { ObserveOptions } from './engine/observers.ts';
export type { Limits } from './engine/limits.ts';
export type {
  AnswerOptions,
  ClaimAnswer,
  ClaimantOptions,
  ClaimOptions,
  HeartbeatAnswer,
  TaskAck,
  TaskDesk,
} from './engine/task-desk.ts';
export type { OpenTask, TaskQuery } from './engine/open-task.ts';
export type { RespondContext, Responded, Responder, RespondOptions } from './engine/responder.ts';
export type { SettledTask } from './views/settled-tasks.ts';
export type { RunHandle } from './engine/run-handle.ts';
export type {
  AttemptId,
  RunBirth,
  Telemetry,
  TelemetrySink,
  ToldRun,
  TraceOrigin,
} from './ports/telemetry.ts';
export type {
  Driver,
  InboxMessage,
  JournalStore,
  RunCounts,
  RunQuery,
  RunRecord,
  RunSearch,
  RunDamage,
  RunsFound,
} from './ports/journal-store.ts';
export { CannotRespondError, EXIT_CODES, RuntimeError, type RuntimeErrorCode } from './errors.ts';
export type { RunView } from './run-query.ts';
export type { BackupOptions, CopyDesk, ImportOptions, Pruned, PruneOptions } from './copies/copy-desk.ts';
export type { ExportOptions, Exported } from './copies/export-text.ts';
export type { ImportedRunNote } from './copies/import-text.ts';
export type { PoolStatus } from './pool-reports.ts';
export { addPoolEvents, createPoolFold, type PoolFold, type PoolStats } from './views/pool-stats.ts';
export { addToHistory, createCallHistory, type CallHistory } from './views/call-history.ts';
export type { Times } from './views/histogram.ts';
export type { ReadRun } from './waiting-parents.ts';
export { openJournal, type JournalReader } from './reader.ts';
export { SQL_CONTRACT_VERSION } from './store/sqlite/sql/views.ts';
export type { SqlOptions } from './store/sqlite/sql/sql-reader.ts';
export type { SqlRows, SqlValue } from './store/sqlite/sql/sql-answer.ts';
export type { SqlColumn, SqlView } from './store/sqlite/sql/view-text.ts';
export { SQL_VIEWS } from './sql-views.ts';
export { DISPLAY_STATUSES, displayStatus, type DisplayStatus } from './views/display-status.ts';
export type { AskedQuestions } from './views/asked-questions.ts';
export type { OpenBreakpoint, OpenWait } from './views/open-waits.ts';
export { nearest } from './views/nearest.ts';
export type {
  BranchNode,
  BreakpointNode,
  CallNode,
  CallStatus,
  ChildNode,
  GroupNode,
  TaskNode,
  TimerNode,
  SourceNode,
  WaitNode,
} from './views/call-node.ts';
export { addEvent, createRunTree, type RunTree } from './views/run-tree.ts';
export { addOpenCall, createOpenCalls, type LeafNode, type OpenCalls } from './views/open-calls.ts';
export { whyOf, type CallWait, type Why, type WhyFacts, type WhyState } from './views/why.ts';
export {
  addDiffEvent,
  createRunDiff,
  finishDiff,
  firstDifference,
  type DiffAspect,
  type DiffCall,
  type Difference,
  type DiffSide,
  type RunDiff,
} from './views/run-diff.ts';
export {
  addTimelineEvent,
  barsOf,
  createTimeline,
  type Bar,
  type BarPart,
  type Timeline,
} from './views/timeline.ts';
export {
  addStatsEvent,
  closeRun,
  createStatsFold,
  processStatsOf,
  type ProcessStats,
  type StatsFold,
  type TaskStats,
} from './views/process-stats.ts';
export type { ForkAsk, ForkOptions, RetryOptions } from './fork-asks.ts';
export type { StepResult } from './engine/exec-step.ts';
export type { StepOptions } from './step-runner.ts';
export type { CallKind } from './views/call-history.ts';
export type { ForkedCall, ForkPlan } from './views/fork-plan.ts';
export { shortValue } from './views/short-value.ts';
export { ENGINE_VERSION } from './engine-options.ts';
export { DEFAULT_PATH, openRuntime, type Runtime } from './runtime.ts';
export { newKey, type EncryptionOptions } from './master-key.ts';
export { keyStatus, rotateKey, type KeyOptions, type RotateOptions } from './key-desk.ts';
export type { DataKeyRecord, Rotated, SealingStatus } from './ports/sealing-store.ts';
export { SEALED_MARK } from './journal/value-fields.ts';
export type { GuardMode } from './guard/process-guard.ts';
export type { RunCheck } from './run-checks.ts';
export type { Notify, WaitNotice } from './notify.ts';
export type { Replayer, ReplayerOptions } from './replayer.ts';
export type { Said } from './engine/replay-pace.ts';
export type { OpenReplayCall, ReplaySteps, ReplayStop } from './replay-steps.ts';
export type { ReplayReport } from './engine/replay-run.ts';
export type { AskedAtHead, ReplayedChild } from './engine/head-look.ts';
export type { ResumeOptions, RuntimeOptions, StartOptions } from './runtime-options.ts';
export { keepHeapSmall } from './small-heap.ts';
export { NEVER } from './journal/ids.ts';
export type { EnqueueOptions } from './engine/start-options.ts';
export type { CodePlace, LoadedCode, Worker, WorkNote } from './engine/worker.ts';
export type { QueuedStart, SetBackRun } from './ports/work-store.ts';
export type { Enqueued, Queue, WorkOptions } from './queue.ts';
export type { Schedule, ScheduleOptions, Schedules } from './schedules.ts';
export { firingId } from './engine/schedules.ts';
