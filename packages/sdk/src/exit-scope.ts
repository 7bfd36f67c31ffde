import type { Duration } from './duration.ts';
import type { CallArguments } from './process.ts';
import type { TaskDefinition } from './task.ts';

export interface ScopeOptions {
  /** Names the scope inside the one around it, so that its identity does not depend on its position. */
  readonly key?: string;
  /** Of what the function does; what was registered for the end runs after it, for as long as it takes. */
  readonly timeout?: Duration;
}

/**
 * Registers tasks that run when the scope ends: the one that was registered last first, one after another.
 * Each registration is recorded with its input, and its task runs once, also after a crash.
 *
 * Both throw InvalidOptionError, InvalidArgumentError, ValidationError, UnserializableError and LimitError,
 * with nothing recorded, and CancelledError where the scope was given up before.
 */
export interface ExitScope {
  /** Runs however the scope ends. */
  onExit<Args, Output>(definition: TaskDefinition<Args, Output>, ...rest: CallArguments<Args>): void;
  /** Runs where the scope ends by an error, its timeout, a lost race, or a cancelled run; not where it gives a result. */
  compensate<Args, Output>(definition: TaskDefinition<Args, Output>, ...rest: CallArguments<Args>): void;
}
