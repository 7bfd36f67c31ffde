import {
  durationMs,
  InvalidArgumentError,
  InvalidOptionError,
  type BreakpointOptions,
  type BreakpointQuestion,
  type BreakpointResult,
} from '@pawl/sdk';
import { breakpointFingerprint } from '../kernel/fingerprint.ts';
import type { Command } from '../kernel/input.ts';
import type { ProcessHost } from './host.ts';
import { checkOptionNames } from './option-names.ts';
import { checkName } from './parallel/options.ts';
import { encodePayload, tooLarge } from './payload.ts';

type Facts = Omit<Extract<Command, { type: 'OpenBreakpoint' }>, 'type' | 'key'>;
/** As a JavaScript caller may give it. */
type Given<Options> = { readonly [Name in keyof Options]?: unknown };

const QUESTION: ReadonlySet<string> = new Set<keyof BreakpointQuestion>([
  'question',
  'title',
  'context',
  'options',
  'expert',
  'tags',
  'strategy',
  'quorum',
  'experts',
]);
const OPTIONS: ReadonlySet<string> = new Set<keyof BreakpointOptions>(['key', 'timeout', 'onTimeout']);
const STRATEGIES = ['single', 'first', 'all', 'quorum'] as const;
const ON_TIMEOUT = ['reject', 'approve', 'fail'] as const;
/** Of each list, and of those who have to approve. */
const MOST = 100;
const LONGEST_NAME = 200;

/** `ctx.breakpoint`: all that can be refused without the journal is refused here. */
export function openBreakpoint(
  host: ProcessHost,
  question: BreakpointQuestion,
  options: BreakpointOptions = {},
): Promise<BreakpointResult> {
  const scope = host.currentScope();
  if (typeof question !== 'object' || question === null || Array.isArray(question))
    throw new InvalidArgumentError(
      "ctx.breakpoint takes a question as its first argument: ctx.breakpoint({ question: 'Go on?' }).",
    );
  checkOptionNames(question, QUESTION, 'ctx.breakpoint');
  checkOptionNames(options, OPTIONS, 'ctx.breakpoint');
  const name = checkName(options.key);
  const facts = factsOf(question, options, host.limits.payloadBytes);
  const fingerprint = breakpointFingerprint(facts.title);
  return host.request<BreakpointResult>(
    scope,
    name,
    { fingerprint, what: fingerprint },
    (key, resolve, reject) => {
      host.openCalls.set(key, {
        // The answers are told in the form that its type says.
        resolve: (value) => resolve(value as BreakpointResult),
        reject,
        scope,
        answers: [],
      });
      host.command({ type: 'OpenBreakpoint', key, ...facts });
    },
  );
}

function factsOf(asked: Given<BreakpointQuestion>, options: Given<BreakpointOptions>, limit: number): Facts {
  const question = textOf('question', asked.question);
  const title = asked.title === undefined ? question : textOf('title', asked.title);
  if (question.length + title.length > limit) throw tooLarge(`The question '${title.slice(0, 80)}'`, limit);
  const strategy = oneOf('strategy', asked.strategy ?? 'single', STRATEGIES);
  const experts = asked.experts === undefined ? null : namesOf('experts', asked.experts);
  if (experts?.length === 0) throw new InvalidOptionError('experts', asked.experts, 'at least one name');
  if (strategy === 'all' && experts === null)
    throw new InvalidOptionError('experts', undefined, "those who have to approve, with the strategy 'all'");
  const { timeout } = options;
  return {
    title,
    question,
    context: encodePayload(`The context of '${title.slice(0, 80)}'`, asked.context ?? null, limit),
    options: namesOf('options', asked.options ?? []),
    expert: namesOf('expert', typeof asked.expert === 'string' ? [asked.expert] : (asked.expert ?? [])),
    tags: namesOf('tags', asked.tags ?? []),
    strategy,
    quorum: quorumOf(strategy, asked.quorum, experts),
    experts,
    // What is no duration is refused with its name.
    timeoutMs: timeout === undefined ? null : durationMs(timeout as number, 'timeout'),
    onTimeout: onTimeoutOf(options),
  };
}

function onTimeoutOf({ timeout, onTimeout = 'fail' }: Given<BreakpointOptions>): Facts['onTimeout'] {
  if (timeout === undefined && onTimeout !== 'fail')
    throw new InvalidOptionError('onTimeout', onTimeout, 'left out where there is no timeout');
  return oneOf('onTimeout', onTimeout, ON_TIMEOUT);
}

function quorumOf(
  strategy: Facts['strategy'],
  quorum: unknown,
  experts: readonly string[] | null,
): number | null {
  if (strategy !== 'quorum') {
    if (quorum === undefined) return null;
    throw new InvalidOptionError('quorum', quorum, "left out, unless the strategy is 'quorum'");
  }
  const most = experts?.length ?? MOST;
  if (typeof quorum === 'number' && Number.isInteger(quorum) && quorum >= 1 && quorum <= most) return quorum;
  throw new InvalidOptionError('quorum', quorum, `an integer from 1 to ${most}`);
}

function textOf(name: 'question' | 'title', text: unknown): string {
  if (typeof text === 'string' && text.trim() !== '' && text.isWellFormed()) return text;
  throw new InvalidArgumentError(
    `ctx.breakpoint takes { ${name}: … }: a text that is not empty, of well-formed Unicode.`,
  );
}

function namesOf(option: string, names: unknown): readonly string[] {
  const isName = (name: unknown): boolean =>
    typeof name === 'string' && name !== '' && name.length <= LONGEST_NAME && name.isWellFormed();
  if (
    Array.isArray(names) &&
    names.length <= MOST &&
    names.every(isName) &&
    new Set(names).size === names.length
  )
    return Array.from(names, String);
  throw new InvalidOptionError(
    option,
    names,
    `up to ${MOST} different texts of 1 to ${LONGEST_NAME} characters`,
  );
}

function oneOf<const Word extends string>(option: string, word: unknown, words: readonly Word[]): Word {
  const found = words.find((known) => known === word);
  if (found !== undefined) return found;
  throw new InvalidOptionError(option, word, `one of '${words.join("', '")}'`);
}
