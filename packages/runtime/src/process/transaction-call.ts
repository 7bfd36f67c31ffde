import {
  InvalidArgumentError,
  InvalidOptionError,
  type TaskCallOptions,
  type TaskDefinition,
} from '@pawl/sdk';

const OPTIONS: ReadonlySet<string> = new Set<keyof TaskCallOptions>(['key', 'retry', 'deadline']);

/**
 * What a transaction task cannot be asked for: it has no slot and nothing that could be stopped, tells nothing while
 * it runs, and what it writes is in the file as it is.
 * @throws InvalidOptionError, InvalidArgumentError
 */
export function refuseForTransaction(
  { name, transaction }: TaskDefinition<never, unknown>,
  asked: { readonly options: TaskCallOptions; readonly hasSecrets: boolean; readonly isRead: boolean },
): void {
  if (transaction === undefined) return;
  for (const [option, value] of Object.entries(asked.options))
    if (value !== undefined && !OPTIONS.has(option))
      throw new InvalidOptionError(
        option,
        value,
        `left out: a call of a transaction task takes ${[...OPTIONS].join(', ')}`,
      );
  if (asked.hasSecrets)
    throw new InvalidArgumentError(
      `The input of transaction task '${name}' holds a secret: what it writes is kept in the file as it is.`,
    );
  if (asked.isRead)
    throw new InvalidArgumentError(
      `ctx.stream cannot read transaction task '${name}': it tells no progress.`,
    );
}
