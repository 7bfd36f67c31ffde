import type { BuildContext, TaskContext, TaskDefinition } from '@pawl/sdk';

/** What a builder gets where it describes work of this program: that of its attempt, and the id of its call. */
export function buildContextOf(
  { describe }: TaskDefinition<never, unknown>,
  context: TaskContext,
): TaskContext {
  if (describe === undefined) return context;
  // Nothing of an attempt is made before it is used: its members stay as they are.
  return Object.defineProperties(Object.create(context) as BuildContext, {
    effectId: { get: () => context.idempotencyKey },
    labels: { value: [] },
  });
}
