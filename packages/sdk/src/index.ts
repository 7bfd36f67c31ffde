export type { Json } from './json.ts';
export type { Duration } from './duration.ts';
export { durationMs, MAX_DURATION_MS } from './duration.ts';
export * from './errors.ts';
export type {
  BreakpointOptions,
  BreakpointQuestion,
  BreakpointResponse,
  BreakpointResult,
  BreakpointStrategy,
} from './breakpoint.ts';
export type { Log, LogLevel } from './log.ts';
export type { ReceiveOptions, TaskReceive, TaskReceiveOptions } from './receive.ts';
export type { Secret, WithSecrets } from './secret.ts';
export type { RetryPlan, RetryPolicy } from './retry-policy.ts';
export { NO_RETRY, retryPlan } from './retry-policy.ts';
export type { Schema, SchemaInput, SchemaOutput } from './standard-schema.ts';
export { checkAgainst, isSchema, refuseInvalid } from './standard-schema.ts';
export type {
  BatchSettings,
  CacheSettings,
  CircuitPlan,
  CircuitSettings,
  PollSettings,
} from './resilience.ts';
export { circuitPlan } from './resilience.ts';
export type {
  CommandExecutor,
  Executor,
  ExecutorContext,
  ExecutorTask,
  FunctionExecutor,
  PawlConfig,
} from './config.ts';
export { defineConfig } from './config.ts';
export type { BuildContext, ExternalSpec } from './external-task.ts';
export { checkLabels, claimMs, declaredSchema, externalSpec, externalTask } from './external-task.ts';
export { defineBatchTask } from './batch-task.ts';
export {
  transactionTask,
  type SqlParameter,
  type SqlValue,
  type TransactionContext,
  type TransactionDb,
  type TransactionStatement,
} from './transaction-task.ts';
export { processTask, threadTask, type ModuleContext } from './module-task.ts';
export type {
  BatchSpec,
  CheckResult,
  FunctionSpec,
  ModuleSpec,
  ShellResult,
  ShellSpec,
  TaskContext,
  TaskDefinition,
  TaskSettings,
  TaskSpec,
  UnknownPolicy,
} from './task.ts';
export { checkSettings, defineTask, shellTask } from './task.ts';
export type {
  CompletionPolicy,
  Cost,
  GroupOptions,
  KeyedOptions,
  Limiter,
  MapOptions,
  MapSettledOptions,
  Parallel,
  PoolReference,
  Priority,
  Settled,
  SettledGroupOptions,
  SettledThunkOptions,
  SomeOptions,
  SomeThunkOptions,
  TaskDefaults,
  Thunk,
  ThunkOptions,
} from './parallel.ts';
export { checkCost, poolName, TASK_RATE } from './task-resources.ts';
export type {
  ItemStream,
  OpenSource,
  SourceContext,
  SourceItem,
  SourceOptions,
  TaskEnvelope,
  TaskStreamOptions,
} from './source.ts';
export type {
  FirstOptions,
  MergedEnvelope,
  MergedItem,
  MergedStream,
  MergeMode,
  MergeOptions,
  ResultStream,
  StreamParallel,
  StreamOptions,
  StreamSource,
} from './stream.ts';
export type { Channel, ChannelOptions } from './channel.ts';
export type { Pool, PoolOptions, PoolPlan, PoolRate, PoolTaskOptions, PoolManyOptions } from './pool.ts';
export { isResource, ONLY_RESOURCE, poolPlan, PLAIN_POOL, ratePlan } from './pool.ts';
export type { Reduce, ReduceItems, ReduceOptions } from './reduce.ts';
export type { ExitScope, ScopeOptions } from './exit-scope.ts';
export type {
  ChildRunOptions,
  DetachedRun,
  Context,
  Process,
  ProcessDefinition,
  TaskCallOptions,
} from './process.ts';
export { defineProcess } from './process.ts';
export { whyNoProcess } from './process-shape.ts';
export type {
  GroupStep,
  OnError,
  ParallelConfig,
  ParallelGroup,
  RunIf,
  RunStep,
  StepTemplate,
  TaskStep,
  ToolStep,
  TypedStep,
  WaitStrategy,
  WorkflowDefinition,
  WorkflowScope,
  WorkflowStep,
} from './workflow.ts';
export { defineStep, defineWorkflow, workflowIssues } from './workflow.ts';
export { pathText } from './workflow-issue.ts';
export type { IssuePath, WorkflowIssue } from './workflow-issue.ts';
export type { PlannedGroup, PlannedStep, WorkflowPlan } from './workflow-plan.ts';
export type { GroupResult, StepFailure, StepStatus } from './workflow-result.ts';
