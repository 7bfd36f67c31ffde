import { beforeAll, expect, test } from 'vitest';

import { columnsOf } from './columns.ts';
import { renderEvent } from './event-line.ts';
import { ASKED, FAILED, START } from './run.fixture.ts';
import { PLAIN_THEME } from './theme.ts';

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

function lines(width: number): string[] {
  return [...FAILED, ...ASKED.slice(-1)].map(([afterMs, event], index) =>
    renderEvent({ seq: index + 1, at: START + afterMs, event }, width, PLAIN_THEME),
  );
}

test('80 columns', () => {
  expect(`\n${lines(80).join('\n')}\n`).toMatchInlineSnapshot(`
    "
         1  09:00:00.000  RunStarted                      order { name: "x" }
         2  09:00:00.001  TaskScheduled       0           read-order { id: 7 }
         3  09:00:00.002  AttemptStarted      0           attempt 1
         4  09:00:00.014  TaskSucceeded       0           { items: ["a", "b"], tota…
         5  09:00:00.015  ScopeOpened         1           map of 3
         6  09:00:00.015  TaskScheduled       1/:a/0      reserve "a"
         7  09:00:00.015  TaskScheduled       1/:b/0      reserve "b"
         8  09:00:00.015  TaskScheduled       1/:b/1      label "b"
         9  09:00:00.016  AttemptStarted      1/:a/0      attempt 1
        10  09:00:00.016  AttemptStarted      1/:b/0      attempt 1
        11  09:00:01.216  TaskSucceeded       1/:a/0      true
        12  09:00:01.300  TaskSucceeded       1/:b/0      true
        13  09:00:01.301  AttemptStarted      1/:b/1      attempt 1
        14  09:00:01.400  TaskSucceeded       1/:b/1      "l-1"
        15  09:00:01.401  ScopeClosed         1           fulfilled
        16  09:00:01.402  TimerStarted        2           sleep 2.0s
        17  09:00:03.403  TimerFired          2
        18  09:00:03.403  TaskScheduled       3           charge { amount: 12.5 }
        19  09:00:03.404  AttemptStarted      3           attempt 1
        20  09:00:03.500  AttemptFailed       3           attempt 1, again in 500ms…
        21  09:00:04.001  AttemptStarted      3           attempt 2
        22  09:00:04.100  TaskFailed          3           CardRefused: card was ref…
        23  09:00:04.200  RunFailed                       card was refused
        24  09:00:04.100  OutcomeAsked        3           attempt 2
    "
  `);
});

test('40 columns', () => {
  expect(`\n${lines(40).slice(0, 5).join('\n')}\n`).toMatchInlineSnapshot(`
    "
       1  RunStarted          order { name:…
       2  TaskScheduled       0 read-order…
       3  AttemptStarted      0 attempt 1
       4  TaskSucceeded       0 { items: ["…
       5  ScopeOpened         1 map of 3
    "
  `);
});

test('where another program makes an attempt, it says so', () => {
  const event = { type: 'AttemptStarted', key: '0', attempt: 1, remote: true } as const;
  expect(renderEvent({ seq: 1, at: START, event }, 80, PLAIN_THEME)).toContain('attempt 1, elsewhere');
});

test.each([40, 59, 60, 80, 120])('no line is wider than %i columns', (width) => {
  expect(lines(width).filter((line) => columnsOf(line) > width)).toEqual([]);
});
