import { expect, it } from 'vitest';

import { childOf, isRunId, successorOf } from './ids.ts';

it.each([
  ['a', true],
  ['0', true],
  ['run_1.2:three@four+five-six~7', true],
  ['x'.repeat(128), true],
  ['x'.repeat(129), false],
  ['', false],
  ['_a', false],
  ['-rf', false],
  ['~', false],
  ['.hidden', false],
  ['a/b', false],
  ['a b', false],
  ['a\n', false],
  ['\na', false],
  ['é', false],
])('%j is an id of a run: %s', (text, expected) => {
  expect(isRunId(text)).toBe(expected);
});

it.each([
  ['job', 'job~2'],
  ['job~2', 'job~3'],
  ['job~9', 'job~10'],
  ['job~x', 'job~x~2'],
  ['job~', 'job~~2'],
  ['job~2~x', 'job~2~x~2'],
  ['job~1~2', 'job~1~3'],
  ['2', '2~2'],
  ['job~123456789', 'job~123456790'],
  ['job~1234567890', 'job~1234567890~2'],
])('%s is followed by %s', (runId, next) => {
  expect(successorOf(runId)).toBe(next);
});

it.each([
  ['2', 'job.2'],
  ['2/0', 'job.2.0'],
  ['2/0/:page', 'job.2.0.:page'],
  [':mail%2Fout', 'job.:mail+25+2Fout'],
  [':a b', 'job.:a+20+b'],
  [':a.b', 'job.:a+2e+b'],
  [':Zoë', 'job.:Zo+eb+'],
  [':😀', 'job.:+1f600+'],
  [':under_score-dash', 'job.:under_score-dash'],
])('the run that call %s starts is %s', (key, runId) => {
  expect(childOf('job', key)).toBe(runId);
});
