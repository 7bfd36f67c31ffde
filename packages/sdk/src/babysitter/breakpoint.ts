import type { BreakpointQuestion, BreakpointResult as Decided } from '../breakpoint.ts';
import type { Context } from '../process.ts';
import { asJson, isFields, textsOf, type Fields } from './as-json.ts';

export interface BreakpointRouting {
  readonly label?: string;
  readonly expert?: string | readonly string[];
  readonly tags?: readonly string[];
  readonly strategy?: 'single' | 'first-response-wins' | 'collect-all' | 'quorum';
  readonly breakpointId?: string;
  readonly [field: string]: unknown;
}

export interface BreakpointResult {
  readonly approved: boolean;
  readonly response?: string;
  readonly feedback?: string;
  readonly option?: string;
  /** Left out where nobody did. */
  readonly respondedBy?: string;
  readonly allResponses?: readonly {
    readonly expert: string;
    readonly approved: boolean;
    readonly response?: string;
  }[];
  /** Of an answer that is an object (`pawl approve --response`) also its fields. */
  readonly [field: string]: unknown;
}

/** As ctx.breakpoint takes them. */
const MOST = 100;
const LONGEST_NAME = 200;
/** Where the question may stand, the likeliest first. */
const QUESTIONS = ['question', 'message', 'prompt', 'description', 'summary', 'title'] as const;
/** What has a place of its own in a question. */
const TOLD: ReadonlySet<string> = new Set([
  'question',
  'title',
  'label',
  'context',
  'options',
  'expert',
  'tags',
  'strategy',
]);

/** Asks people, as Babysitter's payload says it: whatever of it has no place of its own is shown as context. */
export async function askPeople(
  ctx: Context,
  payload: unknown,
  routing: BreakpointRouting | undefined,
): Promise<BreakpointResult> {
  return resultOf(await ctx.breakpoint(questionOf(payload, routing ?? {})));
}

function questionOf(payload: unknown, routing: BreakpointRouting): BreakpointQuestion {
  // `breakpoint('plan-review', { question: … })` is written as well.
  const name = typeof payload === 'string' ? payload.trim() : '';
  const said: Fields = { ...(isFields(payload) ? payload : {}), ...routing };
  const texts = QUESTIONS.map((field) => textOf(said[field]));
  const label = textOf(routing.label) ?? textOf(said['label']);
  const question = texts.find((text) => text !== undefined) ?? label ?? (name === '' ? 'Approve?' : name);
  const title = textOf(said['title']) ?? label ?? (name === '' ? question : name);
  const options = optionsOf(said['options']);
  const experts = textsOf(said['expert'])
    .filter((text) => text.length <= LONGEST_NAME)
    .slice(0, MOST);
  const rest = Object.entries(said).filter(
    ([field, value]) => !TOLD.has(field) && value !== question && value !== undefined,
  );
  // What cannot be chosen from is shown.
  const context = contextOf(said['context'], [
    ...rest,
    ...(options === undefined && said['options'] !== undefined
      ? [['options', said['options']] as const]
      : []),
  ]);
  return {
    question,
    title,
    ...(context === undefined ? {} : { context }),
    ...(options === undefined ? {} : { options }),
    ...(experts.length === 0 ? {} : { expert: experts }),
    tags: textsOf(said['tags'])
      .filter((text) => text.length <= LONGEST_NAME)
      .slice(0, MOST),
    ...strategyOf(said['strategy'], experts),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

/** Undefined where they are no different texts. */
function optionsOf(given: unknown): readonly string[] | undefined {
  if (!Array.isArray(given)) return undefined;
  const names = given.map((option: unknown) => {
    if (typeof option === 'string') return option;
    if (!isFields(option)) return '';
    return (
      textOf(option['label']) ??
      textOf(option['title']) ??
      textOf(option['value']) ??
      textOf(option['id']) ??
      ''
    );
  });
  const isFit = names.every((name) => name !== '' && name.length <= LONGEST_NAME && name.isWellFormed());
  return isFit && names.length <= MOST && new Set(names).size === names.length ? names : undefined;
}

function contextOf(context: unknown, rest: readonly (readonly [string, unknown])[]): unknown {
  if (rest.length === 0)
    return context === undefined ? undefined : asJson('The context of a breakpoint', context);
  const beside = Object.fromEntries(rest);
  const all = isFields(context)
    ? { ...beside, ...context }
    : { ...beside, ...(context === undefined ? {} : { context }) };
  return asJson('The context of a breakpoint', all);
}

/** Where nobody is named, one answer decides. */
function strategyOf(
  strategy: unknown,
  experts: readonly string[],
): Pick<BreakpointQuestion, 'strategy' | 'experts' | 'quorum'> {
  if (strategy === 'first-response-wins') return { strategy: 'first' };
  if (experts.length === 0) return {};
  if (strategy === 'collect-all') return { strategy: 'all', experts };
  if (strategy === 'quorum')
    return { strategy: 'quorum', experts, quorum: Math.floor(experts.length / 2) + 1 };
  return {};
}

function resultOf({
  approved,
  option,
  response,
  feedback,
  respondedBy,
  allResponses,
}: Decided): BreakpointResult {
  return {
    ...(isFields(response) ? response : {}),
    approved,
    ...present({ option, feedback, respondedBy, response: inText(response) }),
    allResponses: allResponses.map((one) => ({
      expert: one.respondedBy,
      approved: one.approved,
      ...present({ response: inText(one.response) }),
    })),
  };
}

function inText(response: unknown): string | null {
  if (response === null || response === undefined) return null;
  return typeof response === 'string' ? response : JSON.stringify(response);
}

function present(fields: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== null),
  );
}
