/**
 * A run against the code of today, for a page. It is done by a program of its own, `pawl replay`: code of users does
 * not run in the program that serves the page.
 */
import { spawn } from 'node:child_process';

import { RuntimeError, type Runtime } from '@pawl/runtime';
import type { Hono } from 'hono';

import { PAWL_COMMAND } from '../mcp-package.ts';
import { JSON_VERSION } from '../render/json.ts';
import { bodyOf, fieldsOf, idOf, mustGet } from './request.ts';

export interface ReplayPlace {
  readonly cwd: string;
  readonly journal: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly closing: AbortSignal;
}

const MOST_AT_A_TIME = 2;
const LONGEST_MS = 60_000;
const MOST_TEXT = 4 * 1024 * 1024;
const MOST_VERDICTS = 200;

export function addReplay(app: Hono, runtime: Runtime, place: ReplayPlace): void {
  let underWay = 0;
  app.post('/runs/:id/replay', async (c) => {
    const id = idOf(c);
    fieldsOf(await bodyOf(c), [], 'A replay');
    mustGet(runtime, id);
    if (underWay >= MOST_AT_A_TIME)
      throw new RuntimeError('BUSY', 'Other runs are being replayed.', { hint: 'Try again in a moment.' });
    underWay += 1;
    try {
      const lines = await linesOf(id, place, AbortSignal.any([place.closing, c.req.raw.signal]));
      return c.json({ version: JSON_VERSION, id, ...answerIn(lines, id) });
    } finally {
      underWay -= 1;
    }
  });
}

type Line = Readonly<Record<string, unknown>>;

/** What is wrong with a run is one of the verdicts; without any, the program itself could not go on. */
function answerIn(
  lines: readonly Line[],
  id: string,
): { readonly verdicts: readonly Line[]; readonly more: number } {
  const verdicts = lines.filter((line) => 'class' in line).map(({ version: _, ...verdict }) => verdict);
  if (verdicts.length === 0)
    throw new RuntimeError('REFUSED', 'It could not be replayed.', { hint: `See why: pawl replay ${id}` });
  const more = Math.max(0, verdicts.length - MOST_VERDICTS);
  return { verdicts: verdicts.slice(0, MOST_VERDICTS), more };
}

/** @throws RuntimeError REFUSED where it takes too long */
function linesOf(id: string, place: ReplayPlace, signal: AbortSignal): Promise<readonly Line[]> {
  const [program, bin] = PAWL_COMMAND;
  const child = spawn(program, [bin, 'replay', id, '--db', place.journal, '--json'], {
    cwd: place.cwd,
    env: place.env,
    signal,
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.length > MOST_TEXT) child.kill('SIGKILL');
    });
    child.on('error', () => reject(tooLong(id)));
    child.on('close', (_, killedBy) => {
      if (killedBy === null) resolve(parsed(text));
      else reject(tooLong(id));
    });
  });
}

function parsed(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

function tooLong(id: string): RuntimeError {
  return new RuntimeError('REFUSED', 'It takes longer than a page should wait, or was given up.', {
    hint: `pawl replay ${id}`,
  });
}
