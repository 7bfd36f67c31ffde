import { clean, cleanLines } from './clean.ts';
import { wrap } from './columns.ts';
import { renderFacts } from './facts.ts';
import { jsonLine } from './json.ts';
import type { Theme } from './theme.ts';

/** An error as it is told: what happened, where, and what to do next. */
export interface Failure {
  /** A stable name, for programs. */
  readonly code: string;
  readonly exitCode: number;
  readonly message: string;
  /** file:line of the user's code. */
  readonly where: string | undefined;
  readonly facts: readonly (readonly [label: string, text: string])[];
  /** What to do next, a command where there is one. */
  readonly hints: readonly string[];
  readonly data: Readonly<Record<string, unknown>>;
  /** Only where a crash was not expected, or --debug asks. */
  readonly stack: string | undefined;
}

/** Of a path (Linux): what is longer names nothing, and would fill the screen. */
const LONGEST_WORD = /\S{4097,}/g;
const SHOWN_OF_LONGER = 200;

function linesOf(text: string): string[] {
  return cleanLines(
    text.replace(LONGEST_WORD, (word) => `${word.slice(0, SHOWN_OF_LONGER)}… (${word.length} characters)`),
  );
}

export function renderFailure(failure: Failure, width: number, theme: Theme): string[] {
  const { message, where, facts, hints, stack } = failure;
  const [first = '', ...rest] = linesOf(message).flatMap((line) => wrap(line, width - 2));
  return [
    `${failure.code === 'WAITING' ? theme.attention('?') : theme.bad('✗')} ${first}`,
    ...rest.map((line) => `  ${line}`),
    ...(where === undefined ? [] : [theme.dim(`  at ${clean(where)}`)]),
    ...renderFacts(
      facts.map(([label, text]) => [label, clean(text)]),
      width,
      theme,
    ),
    ...hints.flatMap((hint) => hintLines(hint, width, theme)),
    ...(stack === undefined ? [] : linesOf(stack).map((line) => theme.dim(`  ${line}`))),
  ];
}

/** An example, and what holds a command to copy, stays in its line. */
function hintLines(hint: string, width: number, theme: Theme): string[] {
  return linesOf(hint).flatMap((line, index) => {
    if (line.startsWith('  ')) return [`  ${line}`];
    const [first = '', ...rest] = /\b(pawl|npm) /.test(line) ? [line] : wrap(line, width - 4);
    const sign = index === 0 ? theme.dim('→') : ' ';
    return [`  ${sign} ${first}`, ...rest.map((more) => `    ${more}`)];
  });
}

/** The contract of `--json` for errors, one document on one line. */
export function failureJson(failure: Failure): string {
  const { code, exitCode, message, where, hints, data, stack } = failure;
  return jsonLine({
    error: {
      code,
      exitCode,
      message,
      hint: hints[0] ?? null,
      ...(hints.length > 1 ? { hints } : {}),
      ...(where === undefined ? {} : { where }),
      data,
      ...(stack === undefined ? {} : { stack }),
    },
  });
}
