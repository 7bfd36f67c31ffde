import { InvalidArgumentError, type ValidationIssue } from '@pawl/sdk';
import type { BreakpointCall } from '../kernel/state.ts';
import { encodePayload } from '../process/payload.ts';
import type { RunId } from '../journal/ids.ts';
import type { InboxMessage } from '../ports/journal-store.ts';

/** What a person says to a question of `ctx.breakpoint`. */
export interface Response {
  readonly approved: boolean;
  /** One of those that the question offers. */
  readonly option?: string | undefined;
  readonly feedback?: string | undefined;
  /** Anything else that the process shall know. */
  readonly response?: unknown;
  /** Who says it (default: 'somebody'). A second answer of the same person does not count. */
  readonly by?: string | undefined;
  /** The same id twice is one answer, to the question that the first was for. */
  readonly id?: string | undefined;
}

export type AnswerMessage = Extract<InboxMessage, { kind: 'answer' }>;

const NOBODY = 'somebody';
const LONGEST_NAME = 200;

/**
 * An answer as a message carries it. Where none is given its id says whose it is, so that one person's second answer
 * is a duplicate wherever it comes from.
 * @throws InvalidArgumentError, UnserializableError, LimitError
 */
export function answerMessage(runId: RunId, key: string, given: Response, limit: number): AnswerMessage {
  const { approved, option, feedback, response, by = NOBODY } = checked(given);
  return {
    kind: 'answer',
    id: answerIdOf(given) ?? `answer ${key} ${by}`,
    runId,
    key,
    by,
    approved,
    option: option ?? null,
    feedback: feedback ?? null,
    response: response === undefined ? null : encodePayload('The response', response, limit),
  };
}

/** Apart from ids that say whose the answer is: a call's key begins with a digit. @throws InvalidArgumentError */
export function answerIdOf(given: Response): string | undefined {
  const { id }: { readonly id?: unknown } = Object(given);
  if (id === undefined) return undefined;
  if (typeof id !== 'string' || id === '' || id.length > LONGEST_NAME)
    throw new InvalidArgumentError(`The id of an answer has 1 to ${LONGEST_NAME} characters.`);
  return `answer with ${id}`;
}

function checked(given: Response): Response {
  const { approved, option, feedback, by }: { readonly [Name in keyof Response]: unknown } = Object(given);
  if (typeof approved !== 'boolean')
    throw new InvalidArgumentError('An answer says { approved: true } or { approved: false }.');
  for (const [name, text] of Object.entries({ option, feedback, by }))
    if (text !== undefined && (typeof text !== 'string' || !text.isWellFormed()))
      throw new InvalidArgumentError(`The ${name} of an answer is a text, of well-formed Unicode.`);
  if (by !== undefined && (by === '' || String(by).length > LONGEST_NAME))
    throw new InvalidArgumentError(`Who answers is a name of 1 to ${LONGEST_NAME} characters.`);
  return given;
}

/** Why an answer is none to this question; empty where it is. */
export function misfits(
  { options, experts }: BreakpointCall,
  { by, option }: AnswerMessage,
): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  if (option !== null && !options.includes(option)) {
    const known =
      options.length === 0 ? 'the question offers no options' : `it is none of: ${options.join(', ')}`;
    issues.push({ path: '$.option', message: known });
  }
  if (experts !== null && !experts.includes(by))
    issues.push({ path: '$.by', message: `only these are asked: ${experts.join(', ')}` });
  return issues;
}
