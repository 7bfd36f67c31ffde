import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { InboxMessage } from '../../src/index.ts';
import type { Death } from './poison.fixture.ts';
import { effectsOf, freshFolder, inspect, Program, type Ended, type Line } from './program.fixture.ts';

type As = Extract<InboxMessage, { kind: 'resolve' }>['as'];

const KEY = '1';
const ENDS: Readonly<Record<Death, Ended>> = {
  exit: { code: 0, signal: null },
  abort: { code: null, signal: 'SIGABRT' },
  kill: { code: null, signal: 'SIGKILL' },
  memory: { code: null, signal: 'SIGABRT' },
  'throw outside': { code: 1, signal: null },
};

class Scene {
  readonly path: string = join(freshFolder(), 'journal.db');
  readonly #name: string;
  readonly #how: Death;

  constructor(name: string, how: Death) {
    this.#name = name;
    this.#how = how;
  }

  /** A program that runs, or goes on with, the run. */
  async program(prepare: readonly (readonly unknown[])[] = []): Promise<Program> {
    const program = new Program('runner-main.fixture.ts', {
      shell: 'ulimit -c 0; exec "$@"',
      nodeFlags: this.#how === 'memory' ? ['--max-old-space-size=48'] : [],
    });
    program.send('open', { path: this.path }, `${this.path}-effects`);
    for (const command of prepare) program.send(...command);
    program.send('start', this.#name, this.#how, 'r');
    return program;
  }

  /** Runs a program that dies by the task. */
  async crash(prepare: readonly (readonly unknown[])[] = []): Promise<Program> {
    const program = await this.program(prepare);
    expect(await program.ended, program.tail()).toEqual(ENDS[this.#how]);
    expect(inspect(this.path).damage).toEqual([]);
    return program;
  }

  get starts(): number {
    return effectsOf(`${this.path}-effects`).filter(({ runId, key }) => runId === 'r' && key === KEY).length;
  }

  types(): string[] {
    return inspect(this.path).events.flatMap(({ event }) =>
      'key' in event && event.key === KEY ? [event.type] : [],
    );
  }
}

const isEnd = (line: Line): boolean => line.at === 'end' && line['id'] === 'r';
const isWaiting = (line: Line): boolean => line.at === 'waiting';

describe('a task that ends its program each time', () => {
  const resolutions: readonly (readonly [Death, As, unknown, number])[] = [
    ['exit', { status: 'done', output: 'a person did it' }, 'a person did it', 0],
    ['abort', { status: 'failed', message: 'it is hopeless' }, 'it is hopeless', 0],
    ['memory', { status: 'retry' }, 'survived', 1],
    ['throw outside', { status: 'retry' }, 'survived', 1],
  ];

  it.each(resolutions)(
    'by %s: is tried again three times, then a person is asked, who says %j',
    async (how, as, value, startsAfter) => {
      const scene = new Scene('retry', how);
      for (let crash = 1; crash <= 4; crash += 1) {
        await scene.crash();
        expect(scene.starts).toBe(crash);
      }
      const program = await scene.program([['start', 'steps', { steps: 20 }, 'other']]);
      expect(await program.until(isWaiting)).toMatchObject({ id: 'r', keys: [KEY] });
      // Other runs of the program go on.
      expect(await program.until((line) => line.at === 'end')).toMatchObject({ id: 'other' });
      expect(scene.starts).toBe(4);
      expect(scene.types().at(-1)).toBe('OutcomeAsked');
      expect(await program.ask('get', 'r')).toMatchObject({ result: { status: 'running', asked: [KEY] } });

      await program.ask('disarm');
      expect(await program.ask('resolve', 'r', KEY, as)).not.toHaveProperty('code');
      expect(await program.until(isEnd), program.tail()).toMatchObject({ value });
      expect(scene.starts).toBe(4 + startsAfter);
      expect(inspect(scene.path).damage).toEqual([]);
    },
  );

  it('is asked about at once by the next program too, and answered by another one', async () => {
    const scene = new Scene('retryOnce', 'kill');
    await scene.crash();
    await scene.crash();
    for (let again = 0; again < 2; again += 1) {
      const program = await scene.program();
      await program.until(isWaiting);
      await program.kill();
    }
    expect(scene.starts).toBe(2);
    expect(scene.types().filter((type) => type === 'OutcomeAsked')).toHaveLength(1);

    const program = await scene.program();
    await program.until(isWaiting);
    const person = new Program('runner-main.fixture.ts');
    await person.ask('open', { path: scene.path });
    expect(await person.ask('resolve', 'r', '0', { status: 'retry' })).toMatchObject({ code: 'NOT_FOUND' });
    expect(await person.ask('resolve', 'r', KEY, { status: 'done', output: 7 })).not.toHaveProperty('code');
    expect(await program.until(isEnd)).toMatchObject({ value: 7 });
    expect(scene.starts).toBe(2);
  });

  it('may be answered while nobody drives the run: the next program takes it up', async () => {
    const scene = new Scene('ask', 'kill');
    await scene.crash();
    const asking = await scene.program();
    await asking.until(isWaiting);
    await asking.kill();
    const person = new Program('runner-main.fixture.ts');
    await person.ask('open', { path: scene.path });
    expect(await person.ask('resolve', 'r', KEY, { status: 'failed', message: 'no' })).not.toHaveProperty(
      'code',
    );
    const program = await scene.program();
    expect(await program.until(isEnd)).toMatchObject({ value: 'no' });
    expect(scene.starts).toBe(1);
  });

  it('a retry that a person asked for and that ends the program again is asked about again', async () => {
    const scene = new Scene('ask', 'kill');
    await scene.crash();
    for (let round = 1; round <= 2; round += 1) {
      const program = await scene.program();
      await program.until(isWaiting);
      expect(scene.starts).toBe(round);
      program.send('resolve', 'r', KEY, { status: 'retry' });
      await program.ended;
      expect(scene.starts).toBe(round + 1);
    }
    const program = await scene.program([['disarm']]);
    await program.until(isWaiting);
    program.send('resolve', 'r', KEY, { status: 'retry' });
    expect(await program.until(isEnd)).toMatchObject({ value: 'survived' });
  });
});

describe("onUnknown: 'check' over real kills", () => {
  it('asks the check, each time, before anything is started again', async () => {
    const scene = new Scene('check', 'kill');
    await scene.crash();
    expect(scene.starts).toBe(1);
    const second = await scene.crash([['checkSays', { status: 'retry' }]]);
    expect(second.lines.filter(({ at }) => at === 'checked')).toMatchObject([{ key: KEY, attempt: 1 }]);
    expect(scene.starts).toBe(2);
    const third = await scene.program([['checkSays', { status: 'done', output: 'it was done' }]]);
    expect(await third.until(isEnd)).toMatchObject({ value: 'it was done' });
    expect(third.lines.filter(({ at }) => at === 'checked')).toMatchObject([{ key: KEY, attempt: 2 }]);
    expect(scene.starts).toBe(2);
  });

  it.each([
    ['says that it failed', { status: 'failed', error: 'half of it' }, 'half of it'],
    ['fails itself: a person is asked', 'fails', undefined],
    ['answers what is no answer: a person is asked', { status: 'perhaps' }, undefined],
  ])('the check %s', async (_, says, value) => {
    const scene = new Scene('check', 'kill');
    await scene.crash();
    const program = await scene.program([['checkSays', says]]);
    if (value === undefined) {
      expect(await program.until(isWaiting)).toMatchObject({ keys: [KEY] });
      program.send('resolve', 'r', KEY, { status: 'done', output: 'by a person' });
    }
    expect(await program.until(isEnd)).toMatchObject({ value: value ?? 'by a person' });
    expect(scene.starts).toBe(1);
  });
});
