/** Which of the questions that a run asks people is meant. */
import { RuntimeError, type OpenWait, type RunId, type Runtime } from '@pawl/runtime';

import { usage } from './command.ts';
import { shellWords } from './render/next-commands.ts';

interface Question {
  readonly key: string;
  readonly title: string;
}

/**
 * The question that is meant: by its call, by its title, or the only one that the run has ever asked, so that an
 * answer which is sent again is none to the next question. One that is decided is found too: an answer is told so.
 * @throws RuntimeError NOT_FOUND for the run, USAGE where it has to be named
 */
export function questionMeant(runtime: Runtime, runId: RunId, named: string | undefined): Question {
  const { list: asked, isCut } = runtime.questions(runId);
  const isOpen = new Set(runtime.waits(runId).map(({ key }) => key));
  const open = asked.filter(({ key }) => isOpen.has(key));
  if (named === undefined) {
    const [first] = open;
    if (first === undefined) return asked.at(-1) ?? { key: '', title: '' };
    if (open.length === 1 && asked.length === 1 && !isCut) return first;
    const why = open.length > 1 ? 'asks several things' : 'has asked before, so say what you answer';
    throw usage(`Run ${runId} ${why}: ${list(open)}. ${commandFor(runId, first)}`);
  }
  // A call is meant before a title that looks like one.
  const byKey = asked.find(({ key }) => key === named);
  if (byKey !== undefined) return byKey;
  const [first, second] = open.filter(({ title }) => title === named);
  if (first !== undefined && second !== undefined)
    throw usage(`Run ${runId} asks several things: ${list(open)}. ${commandFor(runId, first)}`);
  return first ?? asked.findLast(({ title }) => title === named) ?? { key: named, title: named };
}

/** The run goes on, and has asked no such thing. */
export function noQuestion(runtime: Runtime, runId: RunId, named: string | undefined): RuntimeError {
  const waits = runtime.waits(runId);
  const questions = waits.filter(({ kind }) => kind === 'breakpoint');
  const other = waits.find(({ kind }) => kind !== 'breakpoint');
  return new RuntimeError(
    'NOT_FOUND',
    named === undefined || questions.length === 0
      ? `Run ${runId} asks people nothing now.`
      : `Run ${runId} asks nothing under '${named}'. It asks: ${list(questions.map(({ key, name }) => ({ key, title: name })))}.`,
    { hint: other === undefined ? 'See what is asked: pawl waiting' : hintFor(runId, other) },
  );
}

function list(questions: readonly Question[]): string {
  return questions.map(({ key, title }) => `${key} (${title})`).join(', ');
}

function commandFor(runId: RunId, { key }: Question): string {
  return `Say which by its call: pawl approve ${runId} ${key}   (or pawl reject)`;
}

function hintFor(runId: RunId, { kind, key, name }: OpenWait): string {
  return kind === 'outcome'
    ? `Call ${key} wants to know what became of an attempt: pawl resolve ${runId} ${key} --as done`
    : `It waits for message '${name}': pawl send ${runId} ${shellWords(name)} <json>`;
}
