import { InvalidOptionError } from './errors.ts';
import { checkBatch, type BatchSettings, type CacheSettings } from './resilience.ts';
import { checked, type TaskContext, type TaskDefinition, type TaskSettings } from './task.ts';

type MaybePromise<T> = T | Promise<T>;

interface BatchTask<Args, Item> extends Omit<TaskSettings, 'cache' | 'poll'> {
  readonly name: string;
  readonly batch: BatchSettings;
  readonly cache?: CacheSettings<Args>;
  /**
   * Gives one result for each item, in the same order. An Error in a place makes that call fail, and no other; what
   * is thrown, and a list of another length, makes all of them fail. `tasks` has the context of each item: one that
   * is aborted while the batch runs has its signal aborted, and the others go on.
   */
  readonly run: (
    items: readonly Args[],
    tasks: readonly TaskContext[],
  ) => MaybePromise<readonly (Item | Error)[]>;
}

/**
 * Declares a task whose calls are worked off together: those whose attempts start within `windowMs` of the first one,
 * at most `maxSize`. Each call has its own outcome, retries and place in the journal; which calls went together is
 * not recorded. Batches are made over all runs of one runtime.
 * @throws InvalidOptionError
 */
export function defineBatchTask<Args, Item>(
  task: BatchTask<Args, Item>,
): TaskDefinition<Args, Exclude<Item, Error>> {
  if (typeof task !== 'object' || task === null)
    throw new InvalidOptionError('task', task, 'an object with a name, a batch and a run function');
  const { name, run, batch, ...settings } = task;
  if (typeof run !== 'function') throw new InvalidOptionError('run', run, 'a function');
  checkBatch(batch);
  const poll: unknown = Reflect.get(settings, 'poll');
  if (poll !== undefined)
    throw new InvalidOptionError('poll', poll, 'left out: the items of a batch are not polled');
  // A function of its own: calls of two tasks that share their `run` are no batch, and may differ in its size.
  const own: typeof run = (items, tasks) => run(items, tasks);
  return checked<Args, Exclude<Item, Error>>({
    name,
    settings,
    build: (args) => ({ kind: 'batch', args, batch, run: own }),
  });
}
