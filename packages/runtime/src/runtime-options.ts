import type { PoolOptions, ProcessDefinition } from '@pawl/sdk';
import type { CallKey } from './journal/call-key.ts';
import type { RunId } from './journal/ids.ts';
import type { LogEntry, StandIn } from './engine/engine.ts';
import type { Logger } from './log-lines.ts';
import type { GuardMode } from './guard/process-guard.ts';
import type { EncryptionOptions } from './master-key.ts';
import type { Notify } from './notify.ts';
import type { Limits } from './engine/limits.ts';
import type { Clock } from './ports/clock.ts';
import type { Entropy } from './ports/entropy.ts';
import type { RunCheck } from './run-checks.ts';
import type { JournalStore } from './ports/journal-store.ts';
import type { RemoteTasks } from './ports/remote-tasks.ts';
import type { Telemetry } from './ports/telemetry.ts';

export interface RuntimeOptions {
  /** The database file; its folder is created. ':memory:' keeps nothing. Default '.pawl/journal.db'. */
  readonly path?: string;
  /** Another store instead of a file, such as a MemoryStore in tests. */
  readonly store?: JournalStore;
  /** 'full' (default): what was acknowledged survives a power cut. 'normal': it survives a crash only. */
  readonly durability?: 'full' | 'normal';
  /**
   * The key that values in the journal are encrypted with. It is in no file of Pawl. A journal that is not encrypted is
   * from then on. Default: the environment's `PAWL_KEY`, else what `PAWL_KEY_COMMAND` prints; without any, nothing is encrypted, and an
   * encrypted journal refuses what needs values (`SEALED`).
   */
  readonly encryption?: EncryptionOptions | undefined;
  /** How long a run stays ours without a sign of life, in ms (default 30,000). */
  readonly leaseMs?: number;
  /** How long aborted attempts may go on before they count as gone, in ms (default 5,000). */
  readonly graceMs?: number;
  /** Pools by name: a number of slots, or what `ctx.pool` takes. */
  readonly pools?: Readonly<Record<string, number | PoolOptions>>;
  readonly limits?: Partial<Limits>;
  /**
   * What secret messages are encrypted with: 32 bytes, base64 or hex. It is in no file of Pawl. Default: the
   * environment's `PAWL_SECRET_KEY`; without either, secrets are refused.
   */
  readonly secretKey?: string | undefined;
  /**
   * A command line that prints that key, and nothing else, within 10 s: a password manager's. It is run once, when the
   * first secret needs it. Default: the environment's `PAWL_SECRET_KEY_COMMAND`, where there is no key.
   */
  readonly secretKeyCommand?: string | undefined;
  /** Fail where the order of calls may depend on something outside ctx, instead of a warning. */
  readonly strict?: boolean;
  /**
   * What becomes of process code that calls what a replay would not get again, or would do again: `Date.now`, `new
   * Date()`, `Math.random`, `crypto`, `fetch`, `fs`, commands, timers. Only calls in code that is yours, and not of a
   * library, count; tasks do as they like. 'off' (default): nothing, and it costs nothing; 'warn': each place is told once, by
   * `onWarning`, or as a warning of Node's; 'error' (default with `strict`): the call throws, and the run is left as it was, to be
   * resumed. While a runtime with a guard is open, these functions are replaced in the whole program.
   */
  readonly guard?: GuardMode;
  /**
   * Each run replays itself at its end, without effects, before its result is told: its code against what it has just
   * recorded. The result stands, whatever that finds.
   */
  readonly check?: boolean;
  /** Told of each such replay. Default: those that do not fit are warned of. */
  readonly onChecked?: (check: RunCheck) => void;
  /** Processes that `resume` finds by the name that was recorded. */
  readonly processes?: readonly ProcessDefinition[];
  /**
   * Whether what tasks and processes log is kept with their runs, for `runtime.logs` and `pawl logs` (default true): the
   * newest lines, see `limits.logLines`. Where nobody logs it costs nothing.
   */
  readonly keepLogs?: boolean;
  /** Whether `runtime.pools()` tells what became of the calls of each pool (default true). Without it all counts are 0. */
  readonly keepPoolStats?: boolean;
  readonly onLog?: (entry: LogEntry) => void;
  /** Gets what is logged, warnings, and how runs and attempts end, one line each. Default: nobody does. */
  readonly logger?: Logger | undefined;
  readonly onWarning?: (runId: RunId, message: string) => void;
  /** Told when nothing of a run can go on before a person answers these calls. */
  readonly onWaiting?: (runId: RunId, keys: readonly CallKey[]) => void;
  /**
   * Told of each wait for people (`ctx.breakpoint`, `ctx.receive` with a prompt, an attempt that nobody knows the end
   * of): a function, the address of a webhook (http:, https:), or a command, which gets the notice as JSON on stdin. That
   * it was told is recorded, and it is told again only where the program died between the two.
   */
  readonly notify?: Notify | undefined;
  /** Measures what happens here, such as `openTelemetry()` of '@pawl/runtime/otel'. Default: nobody does. */
  readonly telemetry?: Telemetry | undefined;
  /** Shortest bound of a replay that waits for something outside ctx, in ms (default 30,000). */
  readonly stallMs?: number;
  /** For tests. */
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** For tests: the task that a call uses instead of the one that it names. */
  readonly standIn?: StandIn;
  /** For packages that drive runs on several machines: who makes the attempts of tasks with `remote`. */
  readonly remote?: RemoteTasks;
}

export interface StartOptions {
  /** Given twice it is the same run. Default: a new id. */
  readonly id?: RunId;
  /** Path of the module, recorded for `resume`. */
  readonly module?: string;
  readonly codeHash?: string;
  /** A run whose results are taken where the same task (name, version) is asked the same. It is recorded with the start. */
  readonly reuseFrom?: RunId;
  /**
   * The header of W3C Trace Context that the start came with: where telemetry is on, the run's first span links to it.
   * Default: the span that is active at the call. One that is malformed counts as none.
   */
  readonly traceparent?: string;
}

export interface ResumeOptions {
  /**
   * Digest of the code that the run goes on with. Where it is another than the one that is recorded, this is recorded
   * once the code has done again all that the journal holds (`CodeAccepted`).
   */
  readonly codeHash?: string | undefined;
}

export interface CancelOptions {
  /** Gives up also what scopes registered for their end, and what of it is under way. */
  readonly force?: boolean;
}
