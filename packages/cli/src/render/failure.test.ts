import { RuntimeError } from '@pawl/runtime';
import { InvalidOptionError, NonDeterminismError, ValidationError } from '@pawl/sdk';
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';

import { failureOf } from '../failure.ts';
import { failureJson, renderFailure } from './failure.ts';
import { PLAIN_THEME } from './theme.ts';

function told(error: unknown, width = 80): string {
  return `\n${renderFailure(failureOf(error, '/home/me/shop', false), width, PLAIN_THEME).join('\n')}\n`;
}

const report = {
  runId: 'run_1',
  seq: 4,
  key: '2',
  recorded: "task 'charge'",
  asked: "task 'refund'",
  difference: null,
  lastCall: null,
  where: '/home/me/shop/order.ts:12:9',
  likelyCause: 'the call was renamed or replaced',
  remedies: [
    'put the code back as it was, then: pawl resume run_1',
    'see what was recorded: pawl show run_1',
  ],
};

test('an operating error: what happened and what to do', () => {
  const error = new RuntimeError('NOT_FOUND', "There is no run 'run_x' in this journal.", {
    hint: 'Did you mean run_y?',
  });
  expect(told(error)).toMatchInlineSnapshot(`
    "
    ✗ There is no run 'run_x' in this journal.
      → Did you mean run_y?
    "
  `);
});

test('a failed run: where in the user code', () => {
  const cause = new Error('boom');
  cause.stack = 'Error: boom\n    at f (/home/me/shop/order.ts:3:1)';
  const error = new RuntimeError('RUN_FAILED', 'Run run_1 failed: boom', {
    hint: 'See: pawl show run_1',
    cause,
  });
  expect(told(error)).toMatchInlineSnapshot(`
    "
    ✗ Run run_1 failed: boom
      at order.ts:3:1
      → See: pawl show run_1
    "
  `);
});

test('input that does not match', () => {
  const issues = [
    { path: '$.name', message: 'expected string, received number' },
    { path: '$.items[3].id', message: 'expected number' },
  ];
  expect(told(new ValidationError("The input of process 'order'", issues))).toMatchInlineSnapshot(`
    "
    ✗ The input of process 'order' does not match its schema:
        $.name: expected string, received number
        $.items[3].id: expected number
    "
  `);
});

test('a divergence: both sides, and the remedies', () => {
  expect(told(new NonDeterminismError('…', report))).toMatchInlineSnapshot(`
    "
    ✗ The process asks for something else than run run_1 has recorded. Nothing was
      run or written.
      at            seq 4, call 2
      recorded      task 'charge'
      asked         task 'refund'
      source        order.ts:12:9
      likely cause  the call was renamed or replaced
      → put the code back as it was, then: pawl resume run_1
      → see what was recorded: pawl show run_1
    "
  `);
  expect(told(new NonDeterminismError('…', report), 40)).toMatchInlineSnapshot(`
    "
    ✗ The process asks for something else
      than run run_1 has recorded. Nothing
      was run or written.
      at            seq 4, call 2
      recorded      task 'charge'
      asked         task 'refund'
      source        order.ts:12:9
      likely cause  the call was renamed or
                    replaced
      → put the code back as it was, then: pawl resume run_1
      → see what was recorded: pawl show run_1
    "
  `);
});

test('usage: a suggestion', () => {
  const error = new CommanderError(
    1,
    'commander.unknownCommand',
    "error: unknown command 'rnu'\n(Did you mean run?)",
  );
  expect(told(error)).toMatchInlineSnapshot(`
    "
    ✗ Unknown command 'rnu'.
      → Did you mean run?
    "
  `);
});

test('a crash has a stack, nothing else has one', () => {
  const crash = failureOf(new TypeError('oops'), '/', false);
  expect(crash).toMatchObject({ code: 'UNEXPECTED', exitCode: 1 });
  expect(crash.stack).toContain('TypeError: oops');
  expect(failureOf(new InvalidOptionError('a', 1, 'b'), '/', false).stack).toBeUndefined();
  expect(failureOf(new InvalidOptionError('a', 1, 'b'), '/', true).stack).toContain('InvalidOptionError');
  expect(failureOf('text', '/', false).message).toContain('text');
});

test('nothing in an error reaches the terminal as it is', () => {
  const evil = '\u001b[2J\n✓ forged\u202e';
  const error = new RuntimeError('REFUSED', evil, { hint: evil, data: { where: evil } });
  for (const line of told(error).trim().split('\n')) expect(line).toMatch(/^[^\p{Cc}\p{Cf}]*$/u);
  expect(told(error)).not.toMatch(/^✓ forged/m);
});

test('a word that is longer than any path is cut on a terminal, and a path is not', () => {
  const path = `/${'x'.repeat(4095)}`;
  const error = new RuntimeError('NOT_FOUND', `no ${path} here`, { hint: `see ${path}y` });
  const lines = told(error, 10_000).trim().split('\n');
  expect(lines).toEqual([`✗ no ${path} here`, `  → see ${path.slice(0, 200)}… (4097 characters)`]);
  expect(told(new Error('z'.repeat(9000)), 10_000)).not.toContain('z'.repeat(300));
  expect(failureJson(failureOf(error, '/', false))).toContain(`${path}y`);
});

test('as JSON: one document on one line, its fields a contract', () => {
  const line = failureJson(failureOf(new NonDeterminismError('…', report), '/home/me/shop', false));
  expect(line).not.toContain('\n');
  expect(JSON.parse(line)).toEqual({
    version: 1,
    error: {
      code: 'NON_DETERMINISM',
      exitCode: 7,
      message: 'The process asks for something else than run run_1 has recorded. Nothing was run or written.',
      hint: report.remedies[0],
      hints: report.remedies,
      data: report,
    },
  });
});
