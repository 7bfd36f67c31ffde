/** What `pawl key` prints. No key, only what each is called by. */
import type { Rotated, SealingStatus } from '@pawl/runtime';

import { clean } from './clean.ts';
import { renderFacts, type Fact } from './facts.ts';
import { renderNext, shellWords, type NextCommand } from './next-commands.ts';
import { count } from './run.ts';
import { renderTable } from './table.ts';
import type { Theme } from './theme.ts';

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
    return [`${theme.attention('!')} ${clean(path)} is not encrypted`, ...renderNext([begin], width, theme)];
  }
  const clear = events.clear + values.clear;
  const facts: Fact[] = [
    [
      'events',
      `${grouped(events.sealed)} sealed, ${grouped(events.clear)} in the clear, ${grouped(events.plain)} without values`,
    ],
    ['other values', `${grouped(values.sealed)} sealed, ${grouped(values.clear)} in the clear`],
  ];
  const right = { align: 'right' } as const;
  const rows = dataKeys.map(({ id, madeAt, wrappedAt, events: sealed }) => [
    String(id),
    minuteOf(madeAt),
    minuteOf(wrappedAt),
    grouped(sealed),
  ]);
  const columns = [
    { head: 'DATA KEY', ...right },
    { head: 'SINCE' },
    { head: 'UNDER THIS KEY SINCE' },
    { head: 'EVENTS', ...right },
  ];
  return [
    standing(path, status, master, theme),
    '',
    ...renderFacts(facts, width, theme),
    '',
    ...renderTable(columns, rows, theme),
    ...(clear === 0 ? [] : ['', theme.attention(`! ${clearText(clear)}`)]),
    ...nextOf(status, flags, width, theme),
  ];
}

function standing(path: string, { state, given }: SealingStatus, master: string, theme: Theme): string {
  const text = `${clean(path)} is encrypted with key ${master}`;
  if (state === 'open') return `${theme.good('✓')} ${text}, which was given`;
  const why = given === null ? 'no key was given' : `key ${given} was given`;
  return `${theme.bad('✗')} ${text}; ${why}`;
}

function clearText(clear: number): string {
  return clear === 1
    ? 'what was written before the journal was encrypted stays as it is: 1 value in the clear'
    : `what was written before the journal was encrypted stays as it is: ${grouped(clear)} values in the clear`;
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
  const log = isLogEmptied
    ? []
    : [
        theme.attention(
          '! somebody reads just now: the log keeps what the old key opens until the last program closes the journal',
        ),
      ];
  return [
    `${theme.good('✓')} key ${to} in the place of ${from}: ${count(wrapped, 'data key')} wrapped anew, and data key ${dataKey} for what comes`,
    ...log,
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
