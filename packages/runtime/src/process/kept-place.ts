import { durationMs, InvalidArgumentError, type TaskDefinition } from '@pawl/sdk';
import { canonical } from '../journal/canonical.ts';
import type { ProcessHost } from './host.ts';
import type { KeptPlace } from './open-call.ts';

/**
 * Where the result of a call is kept for later runs; null where its definition does not keep it.
 * @throws InvalidArgumentError when the definition's key function does not give a string
 */
export function keptPlace(
  host: ProcessHost,
  { name, settings: { cache } }: TaskDefinition<never, unknown>,
  args: unknown,
  version: string | null,
  inputHash: string,
): KeptPlace | null {
  if (cache === undefined) return null;
  let what: unknown = inputHash;
  if (cache.key !== undefined) {
    try {
      // The definition's types say that its key function takes what its calls are given.
      what = cache.key(args as never);
    } catch (error) {
      throw new InvalidArgumentError(`cache.key of task '${name}' threw.`, { cause: error });
    }
    if (typeof what !== 'string')
      throw new InvalidArgumentError(`cache.key of task '${name}' must give a string.`);
  }
  const place = host.port.digest(canonical(['kept', name, version, cache.key === undefined, what as string]));
  return { place, ttlMs: durationMs(cache.ttl, 'cache.ttl') };
}
