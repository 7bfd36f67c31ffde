import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshFolder, Program } from './program.fixture.ts';
import { inTasks, NON_ERRORS, stray, tended } from './stray-processes.fixture.ts';

interface Scenario {
  readonly name: string;
  readonly run: unknown;
  readonly other: unknown;
  readonly warnings: readonly string[];
  readonly replay: string;
  readonly replayWarnings: number;
}

async function scenarios(what: string): Promise<Scenario[]> {
  const program = new Program('stray-main.fixture.ts', {
    args: [join(freshFolder(), 'journal.db'), what],
    fromSources: true,
  });
  expect(await program.ended, program.tail()).toEqual({ code: 0, signal: null });
  // Node's own word on a rejection that is handled after all.
  const told = program.stderr.replaceAll(/.*(PromiseRejectionHandledWarning|--trace-warnings).*\n/g, '');
  expect(told).toBe('');
  expect(program.lines.at(-1)).toEqual({ at: 'closed' });
  const scenes = program.lines.filter(({ at }) => at === 'scenario') as unknown as Scenario[];
  for (const { name, other, replay } of scenes) {
    expect(other, `the run beside: ${name}`).toEqual({ value: 10 });
    expect(replay, `the replay: ${name}`).toBe('end');
  }
  return scenes;
}

describe('a rejection in process code', () => {
  it('that is waited for in some way is nobody’s business', async () => {
    const told = await scenarios('tended');
    expect(told.map(({ name }) => name)).toEqual(Object.keys(tended));
    for (const { name, run, warnings, replayWarnings } of told) {
      expect(run, name).toHaveProperty('value');
      expect([...warnings, replayWarnings], name).toEqual([0]);
    }
  });

  it('that nobody waits for is told with its place, and ends neither the program nor any run', async () => {
    const told = await scenarios('stray');
    expect(told.map(({ name }) => name)).toEqual(Object.keys(stray));
    for (const { name, run, warnings, replayWarnings } of told) {
      if (name.includes('fails too')) expect(run, name).toHaveProperty('error');
      else expect(run, name).toHaveProperty('value');
      expect(warnings, name).toHaveLength(1);
      // Behind the end it depends on who is faster.
      if (name.includes('has ended')) expect(replayWarnings, name).toBeLessThanOrEqual(1);
      else expect(replayWarnings, `${name}: the same again on replay`).toBe(1);
    }
    const unplaced = told
      .flatMap(({ warnings }) => warnings)
      .filter((warning) => !/stray-processes\.fixture\.ts:\d+:\d+/.test(warning));
    // A call that a fence refuses has no place of its own; how many are refused depends on who is faster.
    expect(unplaced.filter((warning) => !/: (CancelledError|AggregateError): /.test(warning))).toEqual([]);
    expect(unplaced.length).toBeLessThan(told.length / 2);
  });

  it('may be with anything', async () => {
    const told = await scenarios('reasons');
    expect(told).toHaveLength(NON_ERRORS.length);
    for (const { name, run, warnings } of told) {
      expect(run, name).toHaveProperty('error');
      expect(warnings, name).toHaveLength(1);
    }
  });
});

it('a rejection in a task, or a source, that nobody waits for is told, and ends nothing', async () => {
  const told = await scenarios('inTasks');
  expect(told.map(({ name }) => name)).toEqual(Object.keys(inTasks));
  for (const { name, run, warnings, replayWarnings } of told) {
    expect(run, name).toEqual({ value: 'done' });
    expect(warnings, name).toEqual([expect.stringMatching(/stray-processes\.fixture\.ts:\d+:\d+/)]);
    expect(replayWarnings, name).toBe(0);
  }
});

describe('a rejection that is not of a run', () => {
  const reasons = ['error', 'undefined', 'text', 'frozen'];
  const listeners = ['none', 'uncaught', 'monitor', 'unhandled'];
  // In strict mode behind an uncaughtException handler only a warning of Node is missing.
  const modes = ['strict', 'warn', 'none', 'warn-with-error-codes'];
  const cases = [
    ...reasons.flatMap((reason) => listeners.map((listener) => [reason, listener, ''] as const)),
    ...modes.map((mode) => ['error', 'none', `--unhandled-rejections=${mode}`] as const),
    ['error', 'uncaught', '--unhandled-rejections=warn'] as const,
  ];

  it('does what it would do without Pawl in the program', { timeout: 120_000 }, async () => {
    const told = async (
      mode: string,
      [reason, listener, flag]: readonly [string, string, string],
    ): Promise<unknown> => {
      const program = new Program('foreign-main.fixture.ts', {
        args: [mode, reason, listener],
        nodeFlags: flag === '' ? [] : [flag],
      });
      const { code, signal } = await program.ended;
      // Node's own frames tell which of its queues was at work, which is a matter of timing.
      const warnings = program.stderr
        .replaceAll(/\(node:\d+\)/g, '(node)')
        .replaceAll(/\n +at .*\(node:internal\/.*\)/g, '');
      return { code, signal, stdout: program.lines, stderr: warnings };
    };
    for (const each of cases) {
      const [without, withPawl] = await Promise.all([told('without', each), told('with', each)]);
      expect(withPawl, each.join(' ')).toEqual(without);
    }
  });
});
