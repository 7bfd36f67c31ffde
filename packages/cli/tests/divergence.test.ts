import { describe, expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, STEPS, until } from './pawl.fixture.ts';

/** A run of STEPS that was killed in its second step. */
async function interruptedRun(): Promise<Folder> {
  const folder = new Folder();
  folder.write('steps.ts', STEPS);
  const run = folder.start(['run', 'steps.ts', '--id', 'one']);
  await until(() => folder.effects().includes('start 2'));
  run.child.kill('SIGKILL');
  await run.ended;
  folder.write('go', '');
  return folder;
}

describe.concurrent('code that asks for something else than is recorded', () => {
  test('exits 7 with both sides, does nothing, and resumes when it is put back', async () => {
    using folder = await interruptedRun();
    const effects = folder.effects();
    const events = (await folder.pawl('events', 'one', '--json')).stdout;
    folder.write('steps.ts', STEPS.replace("name: 'step'", "name: 'stage'"));

    const { code, stdout, stderr } = await folder.pawl('resume', 'one');
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' });
    expect(stderr).toMatch(/^✗ The process asks for something else than run one has recorded/m);
    expect(stderr).toMatch(/^ {2}at +seq 2, call 0$/m);
    expect(stderr).toMatch(/^ {2}recorded +task 'step'$/m);
    expect(stderr).toMatch(/^ {2}asked +task 'stage'$/m);
    expect(stderr).toMatch(/^ {2}source +steps\.ts:19:\d+$/m);
    expect(stderr).toMatch(/^ {2}→ .*pawl resume one$/m);
    expect(stderr).not.toMatch(/^\s+at .*\(/m);
    // Nothing ran, nothing was written.
    expect(folder.effects()).toEqual(effects);
    expect((await folder.pawl('events', 'one', '--json')).stdout).toBe(events);

    folder.write('steps.ts', STEPS);
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: '60\n' });
    expect(folder.effects().filter((line) => line === 'start 1')).toHaveLength(1);
  });

  test('another input: the difference is named', async () => {
    using folder = await interruptedRun();
    folder.write('steps.ts', STEPS.replace('ctx.task(step, 1)', 'ctx.task(step, 11)'));
    const { code, stderr } = await folder.pawl('resume', 'one');
    expect(code).toBe(7);
    expect(stderr).toMatch(/^ {2}difference +\$: recorded 1, asked 11$/m);
  });

  test('--json: the report is the data of the error', async () => {
    using folder = await interruptedRun();
    folder.write('steps.ts', STEPS.replace("name: 'step'", "name: 'stage'"));
    const { code, stderr } = await folder.pawl('resume', 'one', '--json');
    expect(code).toBe(7);
    expect(documentOf(stderr)).toMatchObject({
      version: 1,
      error: {
        code: 'NON_DETERMINISM',
        exitCode: 7,
        data: { runId: 'one', seq: 2, key: '0', recorded: "task 'step'" },
      },
    });
  });
});

const CHARGE = `
import { appendFileSync, existsSync } from 'node:fs';
import { defineTask } from '@pawl/sdk';

const charge = defineTask({
  name: 'charge',
  onUnknown: 'ask',
  run: async (amount: number) => {
    appendFileSync('effects.log', 'charge\\n');
    while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 10));
    return { receipt: 'r-' + amount };
  },
});

export const process = async (_: unknown, ctx) => (await ctx.task(charge, 12)).receipt;
`;

async function unknownCharge(): Promise<Folder> {
  const folder = new Folder();
  folder.write('charge.ts', CHARGE);
  const run = folder.start(['run', 'charge.ts', '--id', 'one']);
  await until(() => folder.effects().length === 1);
  run.child.kill('SIGKILL');
  await run.ended;
  folder.write('go', '');
  return folder;
}

describe.concurrent('an attempt of which nobody knows the end', () => {
  test('the run waits for a person, exits 13, and goes on with what was said', async () => {
    using folder = await unknownCharge();
    const { code, stdout, stderr } = await folder.pawl('resume', 'one');
    expect({ code, stdout }).toEqual({ code: 13, stdout: '' });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      "Run one waits for a person: task 'charge' (call 0) was started",
    );
    expect(stderr).toContain('pawl resolve one 0 --as done');
    expect((await folder.pawl('list')).stdout).toContain('? waiting');
    expect((await folder.pawl('show')).stdout).toContain('pawl resolve one 0 --as done');
    // Asking again asks again, and charges nothing.
    expect((await folder.pawl('resume', 'one')).code).toBe(13);
    expect(folder.effects()).toEqual(['charge']);

    const said = await folder.pawl('resolve', 'one', '0', '--as', 'done', '--output', '{"receipt":"found"}');
    expect(said).toMatchObject({ code: 0, stdout: 'call 0 of one counts as done\n' });
    expect(said.stderr).toBe('go on with: pawl resume one\n');
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: 'found\n' });
    expect(folder.effects()).toEqual(['charge']);
    expect((await folder.pawl('show')).stdout).toContain('said by a person');
  });

  test('it failed: the task fails with what was said', async () => {
    using folder = await unknownCharge();
    await folder.pawl('resume', 'one');
    await folder.pawl('resolve', 'one', '0', '--as', 'failed', '--message', 'card refused');
    const { code, stderr } = await folder.pawl('resume', 'one');
    expect(code).toBe(3);
    expect(stderr).toContain('Run one failed: card refused');
  });

  test('nothing happened: it is tried again', async () => {
    using folder = await unknownCharge();
    await folder.pawl('resume', 'one');
    await folder.pawl('resolve', 'one', '0', '--as', 'retry');
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: 'r-12\n' });
    expect(folder.effects()).toEqual(['charge', 'charge']);
  });

  test('done without an output is undefined, and what looks like an encoding is a value like any other', async () => {
    using folder = await unknownCharge();
    folder.write('charge.ts', CHARGE.replace(').receipt;', ') ?? "nothing";'));
    await folder.pawl('resume', 'one', '--accept-code-change');
    await folder.pawl('resolve', 'one', '0', '--as', 'done');
    expect(await folder.pawl('resume', 'one')).toMatchObject({ code: 0, stdout: 'nothing\n' });
    using other = await unknownCharge();
    other.write('charge.ts', CHARGE.replace(').receipt;', ');'));
    await other.pawl('resume', 'one', '--accept-code-change');
    await other.pawl('resolve', 'one', '0', '--as', 'done', '--output', '{"$pawl":"Date","value":7}');
    const { code, stdout } = await other.pawl('resume', 'one', '--json');
    expect(code).toBe(0);
    expect(documentOf(stdout)).toMatchObject({
      output: { $pawl: 'object', value: { $pawl: 'Date', value: 7 } },
    });
  });

  test('a call that asks nothing cannot be resolved', async () => {
    using folder = await unknownCharge();
    await folder.pawl('resume', 'one');
    const { code, stderr } = await folder.pawl('resolve', 'one', '7', '--as', 'retry');
    expect(code).toBe(4);
    expect(stderr).toContain('It asks about: 0');
  });

  test('--json', async () => {
    using folder = await unknownCharge();
    expect(documentOf((await folder.pawl('resume', 'one', '--json')).stderr)).toMatchObject({
      version: 1,
      error: { code: 'WAITING', exitCode: 13, data: { runId: 'one', asked: ['0'] } },
    });
    expect(documentOf((await folder.pawl('resolve', 'one', '0', '--as', 'retry', '--json')).stdout)).toEqual({
      version: 1,
      runId: 'one',
      key: '0',
      as: 'retry',
      isDriven: false,
    });
  });
});
