/** Which of the questions that a run asks people is meant. */
import { RuntimeError, type OpenWait, type RunId } from '@pawl/runtime';

import { usage } from './command.ts';
import { shellWords } from './render/next-commands.ts';

/** The question that is meant: by its call, by its title, or the only one. @throws RuntimeError NOT_FOUND, USAGE */
export function questionMeant(runId: RunId, waits: readonly OpenWait[], named: string | undefined): OpenWait {
  const questions = waits.filter(({ kind }) => kind === 'breakpoint');
  const meant =
    named === undefined
      ? questions
      : [
          ...questions.filter(({ key }) => key === named),
          ...questions.filter(({ key, name }) => key !== named && name === named),
        ];
  const [first, second] = meant;
  // A call is meant before a title that looks like one.
  if (first !== undefined && (second === undefined || first.key === named)) return first;
  if (first !== undefined)
    throw usage(
      `Run ${runId} asks several things: ${list(meant)}. Say which by its call: pawl approve ${runId} ${first.key}`,
    );
  const other = waits.find(({ kind }) => kind !== 'breakpoint');
  throw new RuntimeError(
    'NOT_FOUND',
    named === undefined || questions.length === 0
      ? `Run ${runId} asks people nothing now.`
      : `Run ${runId} asks nothing under '${named}'. It asks: ${list(questions)}.`,
    { hint: other === undefined ? 'See what is asked: pawl waiting' : hintFor(runId, other) },
  );
}

function list(open: readonly OpenWait[]): string {
  return open.map(({ key, name }) => `${key} (${name})`).join(', ');
}

function hintFor(runId: RunId, { kind, key, name }: OpenWait): string {
  return kind === 'outcome'
    ? `Call ${key} wants to know what became of an attempt: pawl resolve ${runId} ${key} --as done`
    : `It waits for message '${name}': pawl send ${runId} ${shellWords(name)} <json>`;
}
