import { TimeoutError, type BreakpointResponse, type BreakpointResult } from '@pawl/sdk';
import type { BreakpointAnswered, BreakpointClosed } from '../journal/breakpoint-event.ts';
import { decode } from '../journal/codec.ts';
import type { OpenCall } from './open-call.ts';

/** Settles a question by its recorded answers and what was decided by them: the same value live and on replay. */
export function settleBreakpoint(call: OpenCall, { key, outcome, by }: BreakpointClosed): void {
  const answers = (call.answers ?? []).map(responseOf);
  if (outcome === 'failed') {
    call.reject(new TimeoutError(`The question ${key} was not answered in time`));
    return;
  }
  const approved = outcome === 'approved';
  const decisive = by === 'answer' ? answers.at(-1) : undefined;
  const result: BreakpointResult = {
    approved,
    option: by === 'answer' ? choiceOf(answers, approved) : null,
    response: decisive?.response ?? null,
    feedback: decisive?.feedback ?? null,
    respondedBy: decisive?.respondedBy ?? null,
    allResponses: answers,
  };
  call.resolve(result);
}

function responseOf({ by, approved, option, feedback, response }: BreakpointAnswered): BreakpointResponse {
  return {
    respondedBy: by,
    approved,
    option,
    feedback,
    response: response === null ? (option ?? feedback) : decode(response),
  };
}

/** What most of those chose who agree with the decision; the earlier where it is equal. */
function choiceOf(answers: readonly BreakpointResponse[], approved: boolean): string | null {
  const votes = new Map<string, number>();
  for (const answer of answers)
    if (answer.approved === approved && answer.option !== null)
      votes.set(answer.option, (votes.get(answer.option) ?? 0) + 1);
  let choice: string | null = null;
  for (const [option, count] of votes)
    if (choice === null || count > (votes.get(choice) ?? 0)) choice = option;
  return choice;
}
