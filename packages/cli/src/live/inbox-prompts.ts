/** What pawl inbox asks on a terminal. Its prompts are loaded when they are needed. */
import type { Answer, OpenWait, Response } from '@pawl/runtime';

import type { WaitOfRun } from '../read-waits.ts';
import { clean } from '../render/clean.ts';
import { formatDuration } from '../render/duration.ts';
import { questionOf } from '../render/waits.ts';

/** What a person says to a wait. */
export type Said =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'message'; readonly payload: unknown }
  | { readonly kind: 'outcome'; readonly as: Answer };

interface Choice {
  readonly label: string;
  readonly hint: string;
}

/** The one that is chosen; undefined to leave. */
export async function askWhich(waits: readonly WaitOfRun[], now: number): Promise<WaitOfRun | undefined> {
  const labels = waits.map(({ wait, runId }) => ({
    label: clean(questionOf(wait)),
    hint: clean(`${runId} ${wait.key}, for ${formatDuration(now - wait.since)}`),
  }));
  const chosen = await choose(`${waits.length} ${waits.length === 1 ? 'waits' : 'wait'} for an answer`, [
    ...labels,
    { label: 'leave', hint: '' },
  ]);
  return chosen === undefined ? undefined : waits[chosen];
}

/** Undefined to go back. */
export function askAnswer(wait: OpenWait): Promise<Said | undefined> {
  switch (wait.kind) {
    case 'breakpoint':
      return askResponse(wait.breakpoint?.options ?? []);
    case 'outcome':
      return askOutcome();
    case 'message':
    case 'task':
      return askMessage(wait);
    default:
      return wait.kind satisfies never;
  }
}

async function askResponse(options: readonly string[]): Promise<Said | undefined> {
  const approvals = options.length === 0 ? [undefined] : options;
  const chosen = await choose('Your answer', [
    ...approvals.map((option) => ({
      label: option === undefined ? 'approve' : `approve: ${clean(option)}`,
      hint: '',
    })),
    { label: 'reject', hint: '' },
    { label: 'back', hint: '' },
  ]);
  if (chosen === undefined || chosen > approvals.length) return undefined;
  const approved = chosen < approvals.length;
  const feedback = await write(approved ? 'Feedback, if any' : 'Why?', '');
  if (feedback === undefined) return undefined;
  const option = approved ? approvals[chosen] : undefined;
  return {
    kind: 'response',
    response: { approved, option, feedback: feedback === '' ? undefined : feedback },
  };
}

async function askOutcome(): Promise<Said | undefined> {
  const chosen = await choose('What became of it?', [
    { label: 'it was done', hint: 'and its output is null' },
    { label: 'it failed', hint: '' },
    { label: 'nothing happened', hint: 'try again' },
    { label: 'back', hint: '' },
  ]);
  if (chosen === 0) return { kind: 'outcome', as: { status: 'done', output: null } };
  if (chosen === 2) return { kind: 'outcome', as: { status: 'retry' } };
  if (chosen !== 1) return undefined;
  const message = await write('Why?', 'a person said that it failed');
  return message === undefined ? undefined : { kind: 'outcome', as: { status: 'failed', message } };
}

async function askMessage({ name, secret }: OpenWait): Promise<Said | undefined> {
  const what = clean(`The message '${name}'`);
  if (secret) {
    const { isCancel, password } = await import('@clack/prompts');
    const value = await password({ message: what });
    return isCancel(value) ? undefined : { kind: 'message', payload: value };
  }
  const { isCancel, text } = await import('@clack/prompts');
  const value = await text({
    message: `${what}, as JSON`,
    placeholder: 'true',
    validate: (given = '') =>
      parseJson(given) === undefined ? 'That is no JSON; a text has quotes: "yes"' : undefined,
  });
  return isCancel(value) ? undefined : { kind: 'message', payload: parseJson(value)?.value };
}

/** The number of the one that is chosen. */
async function choose(message: string, choices: readonly Choice[]): Promise<number | undefined> {
  const { isCancel, select } = await import('@clack/prompts');
  const options = choices.map(({ label, hint }, value) => ({
    value,
    label,
    ...(hint === '' ? {} : { hint }),
  }));
  const chosen = await select({ message, options, maxItems: 12 });
  return isCancel(chosen) ? undefined : chosen;
}

async function write(message: string, initial: string): Promise<string | undefined> {
  const { isCancel, text } = await import('@clack/prompts');
  const value = await text({ message, defaultValue: initial, placeholder: initial });
  return isCancel(value) ? undefined : (value ?? initial);
}

export async function say(what: string): Promise<void> {
  const { log } = await import('@clack/prompts');
  log.message(what);
}

function parseJson(given: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(given) as unknown };
  } catch {
    return undefined;
  }
}
