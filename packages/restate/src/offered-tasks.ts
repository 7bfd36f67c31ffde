import { InvalidOptionError, type TaskDefinition } from '@pawl/sdk';
import { POOL_SERVICE, TASK_SERVICE, taskService } from './remote-messages.ts';
import type { OfferedTask } from './task-service.ts';

/** A task that a worker does for runs of others, and how much of it at once (default: whatever comes). */
export type TaskOffer =
  | TaskDefinition<never, unknown>
  | { readonly task: TaskDefinition<never, unknown>; readonly concurrency?: number };

/** As Restate takes names of services. */
const SERVICE_NAME = /^[a-zA-Z][a-zA-Z0-9._-]*$/;
const NAMES = 'names of letters, digits, ".", "_" and "-", which begin with a letter';

/** @throws InvalidOptionError */
export function checkProcessName(name: string): void {
  if (!SERVICE_NAME.test(name)) throw new InvalidOptionError('processes', name, NAMES);
  if (name.startsWith(TASK_SERVICE) || name === POOL_SERVICE)
    throw new InvalidOptionError(
      'processes',
      name,
      `names that do not begin with '${TASK_SERVICE}', as tasks do`,
    );
}

/** @throws InvalidOptionError by the name of the task */
export function checkTaskName(name: string): void {
  if (!SERVICE_NAME.test(taskService(name)))
    throw new InvalidOptionError('remote', name, `left out of a task whose name is not one of ${NAMES}`);
}

/** @throws InvalidOptionError */
export function offeredTasks(offers: readonly TaskOffer[]): readonly OfferedTask[] {
  const names = new Set<string>();
  return offers.map((offer) => {
    const offered = offeredTask(offer);
    const { name } = offered.definition;
    if (names.has(name)) throw new InvalidOptionError('tasks', name, 'a name of its own for each');
    names.add(name);
    return offered;
  });
}

function offeredTask(offer: TaskOffer): OfferedTask {
  const { task: definition, concurrency } =
    typeof offer === 'object' && offer !== null && 'task' in offer
      ? offer
      : { task: offer, concurrency: undefined };
  if (typeof definition?.build !== 'function')
    throw new InvalidOptionError('tasks', definition, 'tasks made by defineTask, or { task, concurrency }');
  const { name, settings, isPoolImplied = false } = definition;
  if (settings.remote !== true)
    throw new InvalidOptionError(
      'tasks',
      name,
      `tasks with remote: true; this one runs where its run is driven`,
    );
  checkTaskName(name);
  if (concurrency === undefined) return { definition, concurrency: Infinity };
  const option = `concurrency of task '${name}'`;
  if (!(Number.isInteger(concurrency) && concurrency >= 1))
    throw new InvalidOptionError(option, concurrency, 'an integer >= 1');
  if (settings.pool !== undefined && !isPoolImplied)
    throw new InvalidOptionError(option, concurrency, besidePool(settings.pool));
  return { definition, concurrency };
}

/** Only what runs holds a slot. */
export function besidePool(pool: string): string {
  return `left out of a task in pool '${pool}': what waits for this worker would hold a slot of it`;
}
