import { InvalidOptionError } from '@pawl/sdk';
import { checkSource } from './source.ts';

/**
 * The items of a source in lists of `size`, the last one shorter. It asks for nothing itself, so the
 * source runs as code of whoever reads.
 * @throws InvalidArgumentError, InvalidOptionError
 */
export function createWindow(
  source: unknown,
  size: unknown,
): AsyncGenerator<unknown[], undefined, undefined> {
  const items = checkSource(source, 'The source of parallel.window');
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 1)
    throw new InvalidOptionError('size', size, 'an integer >= 1');
  return windows(items, size);
}

async function* windows(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  size: number,
): AsyncGenerator<unknown[], undefined, undefined> {
  let list: unknown[] = [];
  for await (const item of items) {
    list.push(item);
    if (list.length < size) continue;
    yield list;
    list = [];
  }
  if (list.length > 0) yield list;
  return undefined;
}
