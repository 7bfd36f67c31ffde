/** What `--json` says of a fork that is planned: a contract, versioned in render/json.ts. */
import type { ForkPlan, RunId } from '@pawl/runtime';

type Document = Readonly<Record<string, unknown>>;

export function forkDocument(parent: RunId, { seq, before, kept, reused, again }: ForkPlan): Document {
  return {
    parent,
    seq,
    before,
    kept: [...kept].map(([name, count]) => ({ name, count })),
    reused: reused.map(({ key, name }) => ({ key, name })),
    again: again.map(({ key, kind, name, outcome, isRisky }) => ({
      key,
      kind,
      name,
      outcome,
      risky: isRisky,
    })),
  };
}
