/** What `pawl key` prints. No key, only what each is called by. */
import type { Rotated, SealingStatus } from '@pawl/runtime';

import { clean } from './clean.ts';
import { wrap } from './columns.ts';
import { renderFacts, type Fact } from './facts.ts';
import { renderNext, shellWords, type NextCommand } from './next-commands.ts';
import { count } from './run.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

/** Columns that the whole table takes. */
const WIDE = 60;

export function renderKey(
  path: string,
  status: SealingStatus,
  flags: readonly string[],
  width: number,
  theme: Theme,
): string[] {
  const { master, events, values, dataKeys } = status;
  if (master === null) {
    const begin = { command: 'pawl key new', why: 'makes a key; what has it as PAWL_KEY begins to encrypt' };
    const text = `${clean(path)} is not encrypted`;
    return [...marked(theme.attention('!'), text, width), ...renderNext([begin], width, theme)];
  }
  const clear = events.clear + values.clear;
  const facts: Fact[] = [
    [
      'events',
      `${grouped(events.sealed)} sealed, ${grouped(events.clear)} in the clear, ${grouped(events.plain)} without values`,
    ],
    ['other values', `${grouped(values.sealed)} sealed, ${grouped(values.clear)} in the clear`],
  ];
  // In a narrow terminal what matters least is left out.
  const isWide = width >= WIDE;
  const rows = dataKeys.map(({ id, madeAt, wrappedAt, events: sealed }) => [
    String(id),
    minuteOf(madeAt),
    ...(isWide ? [minuteOf(wrappedAt)] : []),
    grouped(sealed),
  ]);
  const right = { align: 'right' } as const;
  const columns = [
    { head: 'DATA KEY', ...right },
    { head: 'SINCE' },
    ...(isWide ? [{ head: 'UNDER THIS KEY SINCE' }] : []),
    { head: 'EVENTS', ...right },
  ];
  return [
    ...standing(path, status, master, width, theme),
    '',
    ...renderFacts(facts, width, theme),
    '',
    ...renderTable(columns, rows, theme),
    ...(clear === 0 ? [] : ['', ...marked(theme.attention('!'), clearText(clear), width)]),
    ...nextOf(status, flags, width, theme),
  ];
}

function standing(
  path: string,
  { state, given }: SealingStatus,
  master: string,
  width: number,
  theme: Theme,
): string[] {
  const text = `${clean(path)} is encrypted with key ${master}`;
  if (state === 'open') return marked(theme.good('✓'), `${text}, which was given`, width);
  const why = given === null ? 'no key was given' : `key ${given} was given`;
  return marked(theme.bad('✗'), `${text}; ${why}`, width);
}

/** A sign, and what it is said of. */
function marked(sign: string, text: string, width: number): string[] {
  return wrap(text, Math.max(12, width - 2)).map((line, i) => (i === 0 ? `${sign} ${line}` : `  ${line}`));
}

function clearText(clear: number): string {
  return clear === 1
    ? 'what was written before the journal was encrypted stays as it is: 1 row in the clear'
    : `what was written before the journal was encrypted stays as it is: ${grouped(clear)} rows in the clear`;
}

function nextOf(
  { state, events }: SealingStatus,
  flags: readonly string[],
  width: number,
  theme: Theme,
): string[] {
  const next: NextCommand[] = [];
  if (state === 'open')
    next.push({
      command: `PAWL_NEW_KEY=… ${shellWords('pawl', 'key', 'rotate', ...flags)}`,
      why: 'another key from now on',
    });
  if (events.clear > 0 && state === 'open')
    next.push({ command: 'pawl docs encryption', why: 'how all of it is written anew' });
  if (state === 'locked')
    next.push({ command: `PAWL_KEY=… ${shellWords('pawl', 'key', ...flags)}`, why: 'with its key' });
  return renderNext(next, width, theme);
}

export function renderRotated(
  { from, to, wrapped, dataKey, isLogEmptied }: Rotated,
  flags: readonly string[],
  width: number,
  theme: Theme,
): string[] {
  const text = `key ${to} in the place of ${from}: ${count(wrapped, 'data key')} wrapped anew, and data key ${dataKey} for what comes`;
  const log =
    'somebody reads just now: the log keeps what the old key opens until the last program closes the journal';
  return [
    ...marked(theme.good('✓'), text, width),
    ...(isLogEmptied ? [] : marked(theme.attention('!'), log, width)),
    ...renderNext(
      [
        {
          command: `PAWL_KEY=… ${shellWords('pawl', 'key', ...flags)}`,
          why: 'with the new key; give it to all programs, and start them again',
        },
      ],
      width,
      theme,
    ),
  ];
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

/** In UTC. */
function minuteOf(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
