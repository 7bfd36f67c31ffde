import { InvalidOptionError } from '@pawl/sdk';

/**
 * @param what takes them, in words
 * @throws InvalidOptionError where they are no object, or one of them is none of those that are known
 */
export function checkOptionNames(
  options: unknown,
  known: ReadonlySet<string>,
  what: string,
): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new InvalidOptionError('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (known.has(name)) continue;
    throw new InvalidOptionError(
      name,
      Reflect.get(options, name),
      `left out: ${what} takes ${[...known].join(', ')}`,
    );
  }
}
