/**
 * One run as a page that needs no server: the answers that the page would ask for, by what it would ask.
 *
 * 1. It holds nothing that the page would not be told.
 * 2. It is bounded; what was left out is said in it.
 */
import type { RunId } from '@pawl/runtime';

import type { Document } from './describe.ts';

export interface SharedRun {
  readonly id: RunId;
  /** When it was made: what goes on was so then. */
  readonly at: number;
  readonly about: Document;
  readonly answers: Readonly<Record<string, unknown>>;
  /** In words; empty where all of it is there. */
  readonly leftOut: readonly string[];
}

/** Characters of JSON. */
const MOST_CHARACTERS = 12_000_000;
const MOST_ROWS = 5000;
const MOST_EVENTS = 3000;
/** As the page asks for them. */
const EVENTS_A_PAGE = 100;
const MOST_CHILDREN = 20;

/** @returns undefined for what is refused */
export type AskPage = (path: string) => Promise<Document | undefined>;

interface Row {
  readonly key: string;
  readonly kind: string;
  readonly count?: number;
  readonly runId?: string;
}

/** Owns the answers and what room is left for them. */
class Recording {
  readonly answers: Record<string, unknown> = {};
  readonly #ask: AskPage;
  #left = MOST_CHARACTERS;

  constructor(ask: AskPage) {
    this.#ask = ask;
  }

  /** False where there is no room for it. */
  async add(path: string): Promise<boolean> {
    if (this.#left <= 0) return false;
    const answer = await this.#ask(path);
    return answer === undefined || this.put(path, answer);
  }

  put(path: string, answer: Document): boolean {
    const size = JSON.stringify(answer).length + path.length;
    if (size > this.#left) return false;
    this.#left -= size;
    this.answers[path] = answer;
    return true;
  }
}

export async function sharedRun(id: RunId, ask: AskPage, about: Document, at: number): Promise<SharedRun> {
  const recording = new Recording(ask);
  const leftOut: string[] = [];
  const path = `/runs/${encodeURIComponent(id)}`;
  const brief = await ask(path);
  const detail = (await wholeOf(path, brief, ask)) ?? brief;
  if (detail === undefined || !recording.put(path, detail)) leftOut.push('the run itself is too large');
  if (detail?.['run'] === undefined) return { id, at, about, answers: recording.answers, leftOut };
  await recording.add(`${path}/lineage`);
  for (const part of ['input', 'output'])
    if (isCut(detail[part])) await recording.add(`${path}/value?part=${part}`);
  const rows = rowsOf(detail);
  const hidden = rows.reduce((sum, { kind, count = 0 }) => sum + (kind === 'rest' ? count : 0), 0);
  if (hidden > 0) leftOut.push(`${words(hidden)} calls of wide groups`);
  await addEvents(recording, path, detail, leftOut);
  const cut = await addCalls(recording, path, rows, ask, leftOut);
  await addChildren(recording, rows, leftOut);
  // Large values come last: what they leave no room for is less.
  let values = 0;
  for (const value of cut) values += (await recording.add(value)) ? 0 : 1;
  if (values > 0) leftOut.push(`the rest of ${words(values)} of ${words(cut.length)} large values`);
  // A path that takes a value out finds it in events, and not in a line that says it again.
  if (await hasLogs(path, ask)) leftOut.push('what was logged');
  return { id, at, about, answers: recording.answers, leftOut };
}

async function hasLogs(path: string, ask: AskPage): Promise<boolean> {
  const answer = await ask(`${path}/logs?limit=1`);
  return Array.isArray(answer?.['lines']) && answer['lines'].length > 0;
}

/** With a row for every call, where they are few enough. */
async function wholeOf(
  path: string,
  brief: Document | undefined,
  ask: AskPage,
): Promise<Document | undefined> {
  const rows = rowsOf(brief);
  const all = rows.reduce((sum, { count = 0 }) => sum + count, rows.length);
  if (!rows.some(({ kind }) => kind === 'rest') || all > MOST_ROWS) return undefined;
  return await ask(`${path}?all=1`);
}

async function addEvents(
  recording: Recording,
  path: string,
  detail: Document,
  leftOut: string[],
): Promise<void> {
  const { lastSeq } = detail['run'] as { readonly lastSeq?: number };
  const last = lastSeq ?? 0;
  let after = 0;
  for (; after < Math.min(last, MOST_EVENTS); after += EVENTS_A_PAGE)
    if (!(await recording.add(`${path}/events?after=${after}&limit=${EVENTS_A_PAGE}`))) break;
  if (after < last) leftOut.push(`${words(last - after)} of ${words(last)} events`);
}

/** @returns where the values are of which these answers have the beginning only */
async function addCalls(
  recording: Recording,
  path: string,
  rows: readonly Row[],
  ask: AskPage,
  leftOut: string[],
): Promise<readonly string[]> {
  const calls = rows.filter(({ kind }) => kind !== 'rest');
  const cut: string[] = [];
  for (const [index, { key }] of calls.entries()) {
    const name = encodeURIComponent(key);
    const answer = await ask(`${path}/call?key=${name}&all=1`);
    if (answer === undefined) continue;
    if (!recording.put(`${path}/call?key=${name}`, answer)) {
      leftOut.push(`what ${words(calls.length - index)} of ${words(calls.length)} calls got and gave`);
      break;
    }
    const call = answer['call'] as Document | undefined;
    for (const part of ['input', 'output'])
      if (isCut(call?.[part])) cut.push(`${path}/value?part=${part}&key=${name}`);
  }
  return cut;
}

async function addChildren(recording: Recording, rows: readonly Row[], leftOut: string[]): Promise<void> {
  const children = [...new Set(rows.flatMap(({ runId }) => (runId === undefined ? [] : [runId])))];
  let added = 0;
  for (const child of children.slice(0, MOST_CHILDREN))
    added += (await recording.add(`/runs/${encodeURIComponent(child)}`)) ? 1 : 0;
  if (added < children.length) leftOut.push(`${words(children.length - added)} runs within it`);
}

function rowsOf(detail: Document | undefined): readonly Row[] {
  return (detail?.['rows'] ?? []) as readonly Row[];
}

function isCut(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'cut' in value;
}

function words(count: number): string {
  return count.toLocaleString('en-US');
}
