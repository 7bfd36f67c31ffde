import type { JournalEvent } from '@pawl/runtime';

import { SAMPLE_EVENTS } from '../../runtime/src/journal/sample-events.fixture.ts';
import type { Timed } from './in-process.fixture.ts';

export const START: number = Date.UTC(2026, 0, 5, 9);

const ESC = '\u001b';

/** What a terminal, a shell, a file system, SQLite, JavaScript or a person could be led astray by. */
export const HOSTILE_TEXTS: readonly string[] = [
  '../secret.txt',
  '../../../../etc/passwd',
  '..\\..\\secret.txt',
  '..%2f..%2fsecret.txt',
  '/etc/passwd',
  '/dev/stdin',
  '/proc/self/environ',
  'C:\\Windows\\win.ini',
  '\\\\server\\share',
  '.',
  '..',
  '~root',
  '@../secret.txt',
  '@/etc/passwd',
  'con',
  'nul.txt',
  '-rf',
  '--help',
  '--',
  '-',
  '--db=../elsewhere.db',
  '--version',
  '$(touch pwned)',
  '`touch pwned`',
  '; touch pwned',
  '| touch pwned',
  '&& touch pwned',
  '${HOME}',
  '%PATH%',
  'a\0b',
  '\0',
  'a\nb',
  'done\n✓ forged',
  'a\r\nset-cookie: x=1',
  'a\tb',
  ' ',
  '',
  `${ESC}[2J${ESC}[H`,
  `${ESC}]0;pwned\u0007`,
  `${ESC}]52;c;ZXZpbA==\u0007`,
  `${ESC}]8;;http://x${ESC}\\link`,
  `${ESC}P+q544e${ESC}\\`,
  '\u009b31m',
  '\u0007\b\u007f',
  'user\u202egpj.exe',
  '\u2066x\u2069\u200e\u200f\u061c',
  'a\u2028b\u2029c\u0085',
  'ad\u200bmin\ufeff\u00ad',
  'x\u{e0041}',
  '\ud83d',
  'ｒｕｎ',
  'раwl',
  'é',
  'e\u0301',
  '🏴‍☠️',
  "'; drop table runs; --",
  "r' or '1'='1",
  '" or 1=1 --',
  'r); attach database "pwned.db" as p; --',
  '1; pragma writable_schema = on',
  "load_extension('x')",
  "select writefile('pwned', 'x')",
  '%',
  '_',
  '*',
  '[a-z]',
  '__proto__',
  'constructor',
  'toString',
  'prototype.polluted=1',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '[1e999]',
  `${'['.repeat(2000)}${']'.repeat(2000)}`,
  'data:text/javascript,globalThis.polluted=1',
  'file:///etc/passwd',
  'http://127.0.0.1/x.ts',
  'node:fs',
  'NaN',
  '1e309',
  '-1',
  '9007199254740993',
  '0x10',
  '1_000',
  '99999999999999999999d',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  'javascript:alert(1)',
  'x'.repeat(300),
  'x'.repeat(10_000),
  'é'.repeat(5000),
  '%s%s%s%n',
  '{{7*7}}',
];

const { RunStarted, TaskScheduled, AttemptStarted, AttemptFailed, TaskFailed, RunFailed } = SAMPLE_EVENTS;
const { BreakpointOpened, TaskOffered, StateSet, TaskSucceeded } = SAMPLE_EVENTS;
const { secret: _, ...SignalAwaited } = SAMPLE_EVENTS.SignalAwaited;

/** A run in which every text that a process, a task or an answer can choose is this one. It waits, or has failed. */
export function hostileRun(text: string, how: 'waits' | 'failed' = 'waits'): readonly Timed[] {
  const error = {
    name: text,
    message: text,
    stack: `${text}: ${text}\n    at ${text} (${text}:1:1)`,
    cause: { name: text, message: text },
  };
  const value = { [text]: [text, { [text]: text }] };
  const task = { task: text, version: text, args: value, pool: text };
  const began: readonly JournalEvent[] = [
    { ...RunStarted, process: text, module: text, inputs: value, engine: text },
    { ...TaskScheduled, ...task, key: '0' },
    { ...AttemptStarted, key: '0', attempt: 1 },
    { ...AttemptFailed, key: '0', attempt: 1, error, retryAt: START + 3 },
    { ...AttemptStarted, key: '0', attempt: 2 },
    { ...TaskFailed, key: '0', error, cause: 'error', failures: 2, by: 'attempt' },
    { ...TaskScheduled, ...task, key: '1' },
    { ...AttemptStarted, key: '1', attempt: 1 },
    { ...TaskSucceeded, key: '1', output: value },
    { ...StateSet, name: text.slice(0, 100), value },
  ];
  const goesOn: readonly JournalEvent[] =
    how === 'failed'
      ? [{ ...RunFailed, error }]
      : [
          { ...SignalAwaited, key: '2', name: text, prompt: text, data: value },
          {
            ...BreakpointOpened,
            key: '3',
            title: text,
            question: text,
            context: value,
            options: [text, 'other'],
            expert: [text],
            tags: [text],
            experts: [text],
            strategy: 'single',
            quorum: null,
          },
          {
            ...TaskOffered,
            key: '4',
            task: text,
            version: text,
            args: value,
            kind: text,
            description: value,
          },
        ];
  return [...began, ...goesOn].map((event, i): Timed => [i, event]);
}
