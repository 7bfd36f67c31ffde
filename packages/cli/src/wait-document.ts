/** What `--json` says of waits: a contract, versioned in render/json.ts. */
import type { OpenWait } from '@pawl/runtime';

import type { WaitOfRun } from './read-waits.ts';
import { timestamp } from './run-document.ts';

export function waitDocument({ runId, process, wait }: WaitOfRun): Readonly<Record<string, unknown>> {
  const { since, dueAt, breakpoint, ...rest } = wait;
  return {
    runId,
    process,
    ...rest,
    ...(breakpoint === null ? {} : { breakpoint: breakpointDocument(breakpoint) }),
    since: timestamp(since),
    dueAt: timestamp(dueAt),
  };
}

function breakpointDocument({
  answers,
  ...asked
}: NonNullable<OpenWait['breakpoint']>): Readonly<Record<string, unknown>> {
  return { ...asked, answers: answers.map(({ at, ...answer }) => ({ ...answer, at: timestamp(at) })) };
}
