import { InvalidOptionError, type LogLevel } from '@pawl/sdk';
import type { RunId } from './journal/ids.ts';
import { isLevel, LOG_LEVELS, type LogLine } from './journal/log-line.ts';
import type { LogStore } from './ports/log-store.ts';

const PAGE = 500;

export interface LogQuery {
  /** Only lines behind this place (`n`): an integer >= 0. */
  readonly after?: number | undefined;
  /** Only lines of this level and above. */
  readonly level?: LogLevel | undefined;
  /** Only lines of calls of this task, or source. */
  readonly task?: string | undefined;
}

/**
 * What a run logged that is kept, in that order, a page at a time. What is left out before lines that are not asked for
 * counts for the next one that is.
 * @throws InvalidOptionError
 */
export function logsOf(store: LogStore, id: RunId, query: LogQuery = {}): Generator<LogLine, void, void> {
  const { after = 0, level = 'debug' } = query;
  if (!Number.isInteger(after) || after < 0) throw new InvalidOptionError('after', after, 'an integer >= 0');
  if (!isLevel(level)) throw new InvalidOptionError('level', level, LOG_LEVELS.join(', '));
  return pages(store, id, after, level, query.task);
}

function* pages(
  store: LogStore,
  id: RunId,
  after: number,
  level: LogLevel,
  task: string | undefined,
): Generator<LogLine, void, void> {
  const least = LOG_LEVELS.indexOf(level);
  let leftOut = 0;
  for (let n = after; ;) {
    const page = store.logs(id, n, PAGE);
    for (const line of page) {
      leftOut += line.leftOut;
      if (LOG_LEVELS.indexOf(line.level) < least || (task !== undefined && line.task !== task)) continue;
      yield { ...line, leftOut };
      leftOut = 0;
    }
    n = page.at(-1)?.n ?? n;
    if (page.length < PAGE) return;
  }
}
