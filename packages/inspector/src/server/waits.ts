/** What is waited for, with its values bounded. */
import type { Encoded, JournalReader, OpenTask, RunDamage, RunId } from '@pawl/runtime';

import { bounded } from './bounded.ts';
import type { Describe, Document } from './describe.ts';

/** @param id of one run, or undefined for all. @param leftOut told of those of all that are damaged */
export function waitDocuments(
  reader: JournalReader,
  describe: Describe,
  id: RunId | undefined,
  leftOut?: (damage: RunDamage) => void,
): Document[] {
  return describe.waits(reader, id, leftOut).map((wait) => ({
    ...wait,
    data: bounded(wait['data'] as Encoded),
    schema: bounded(wait['schema'] as Encoded),
  }));
}

export function taskDocuments(tasks: readonly OpenTask[], describe: Describe): Document[] {
  return tasks.map((task) => ({
    ...describe.task(task),
    description: bounded(task.description),
    outputSchema: bounded(task.outputSchema),
  }));
}
