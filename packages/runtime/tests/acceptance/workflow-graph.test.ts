import { defineTask, defineWorkflow, type GroupResult, type WorkflowStep } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { journal, shape } from '../lab.fixture.ts';
import { MemoryStore } from '../../src/testing.ts';
import {
  everywhere,
  f,
  perform,
  replays,
  resumeAt,
  Stage,
  t,
  watchForLeaks,
  type Program,
  type StepInput,
} from './stage.fixture.ts';

watchForLeaks();

/** A graph of steps: what each depends on, and how long it takes. */
type Graph = Readonly<Record<string, readonly [ms: number, ...dependsOn: string[]]>>;

function stepsOf(stage: Stage, graph: Graph): WorkflowStep[] {
  return Object.entries(graph).map(([id, [ms, ...dependsOn]]) => ({
    id,
    dependsOn,
    task: stage.step,
    input: t(ms, id),
  }));
}

const graph =
  (
    steps: Graph,
    output: (result: GroupResult) => unknown = ({ completionOrder }) => completionOrder,
  ): Program =>
  (stage) =>
    defineWorkflow({
      name: 'graph',
      parallelConfig: { waitStrategy: 'all' },
      steps: [{ id: 'it', parallelGroup: { steps: stepsOf(stage, steps) } }],
      output: ({ results }) => output(results['it'] as GroupResult),
    }).run;

/** When each step ran, by id. */
function timesOf(stage: Stage): Record<string, string> {
  return Object.fromEntries(
    stage.spans.map(({ key, from, to }) => [/:([^/:]+)\/0$/.exec(key)?.[1] ?? key, `${from}-${to ?? ''}`]),
  );
}

const DIAMOND: Graph = { a: [10], b: [20, 'a'], c: [30, 'a'], d: [5, 'b', 'c'] };

it('⟲ C38 a diamond: D after both, B and C side by side', async () => {
  const { stage } = await everywhere(
    graph(DIAMOND, ({ completed }) => completed),
    ['a', 'b', 'c', 'd'],
    { depth: 2 },
  );
  expect(timesOf(stage)).toEqual({ a: '0-10', b: '10-30', c: '10-40', d: '40-45' });
});

it('B60 a branching graph: merge after both, a and b side by side', async () => {
  const { value, stage } = await perform(
    graph({ root: [5], a: [10, 'root'], b: [7, 'root'], merge: [1, 'a', 'b'] }),
  );
  expect(value).toEqual(['root', 'b', 'a', 'merge']);
  expect(timesOf(stage)).toEqual({ root: '0-5', a: '5-15', b: '5-12', merge: '15-16' });
});

describe('B46 a step starts the moment its last dependency is done', () => {
  it('in one list', async () => {
    const { stage } = await perform(
      graph({
        fetch_source_a: [10],
        fetch_source_b: [200],
        process_a: [5, 'fetch_source_a'],
        process_b: [5, 'fetch_source_b'],
      }),
    );
    expect(timesOf(stage)).toMatchObject({ process_a: '10-15', process_b: '200-205' });
  });

  it('across groups, which are no barrier', async () => {
    const { value, stage } = await perform(
      (at) =>
        defineWorkflow({
          name: 'w',
          steps: [
            {
              id: 'fetch',
              parallelGroup: { steps: stepsOf(at, { fetch_source_a: [10], fetch_source_b: [200] }) },
            },
            {
              id: 'process',
              parallelGroup: {
                steps: stepsOf(at, { process_a: [5, 'fetch_source_a'], process_b: [5, 'fetch_source_b'] }),
              },
            },
          ],
        }).run,
    );
    expect(value).toMatchObject({ success: true, completed: ['fetch', 'process'] });
    expect(timesOf(stage)).toMatchObject({ process_a: '10-15', process_b: '200-205' });
  });

  it('also where steps that wait would fill all places', async () => {
    const { stage } = await perform(
      (at) =>
        defineWorkflow({
          name: 'w',
          parallelConfig: { maxConcurrent: 1 },
          steps: stepsOf(at, { d: [5, 'c'], c: [5, 'b'], b: [5, 'a'], a: [5] }),
        }).run,
    );
    expect(timesOf(stage)).toEqual({ a: '0-5', b: '5-10', c: '10-15', d: '15-20' });
  });
});

it('B42 without parallelConfig steps run in parallel', async () => {
  const { stage } = await perform(graph({ a: [10], b: [10], c: [10] }));
  expect(timesOf(stage)).toEqual({ a: '0-10', b: '0-10', c: '0-10' });
});

describe('conditions', () => {
  const b52 =
    (runIf?: 'settled' | 'succeeded' | 'always'): Program =>
    (stage) =>
      defineWorkflow({
        name: 'w',
        steps: [
          { id: 'a', task: stage.step, input: t(1), when: () => false },
          {
            id: 'b',
            dependsOn: ['a'],
            ...(runIf === undefined ? {} : { runIf }),
            run: (_, { results }) => `a gave ${String(results['a'])}`,
          },
        ],
        output: ({ results, statuses }) => [results['b'] ?? null, statuses['a'], statuses['b']],
      }).run;

  it('⟲ B52 what depends on a step that was skipped runs, with undefined', async () => {
    await everywhere(b52(), ['a gave undefined', 'skipped', 'completed'], { depth: 2 });
  });

  it('B52 as its runIf has it', async () => {
    expect((await perform(b52('always'))).value).toEqual(['a gave undefined', 'skipped', 'completed']);
    expect((await perform(b52('succeeded'))).value).toEqual([null, 'skipped', 'skipped']);
  });

  it('a condition sees inputs and results', async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          steps: [
            { id: 'a', task: stage.step, input: t(1, { rows: 3 }) },
            {
              id: 'b',
              dependsOn: ['a'],
              when: ({ results }) => (results['a'] as { rows: number }).rows > 2,
              run: () => 'many',
            },
            { id: 'c', dependsOn: ['a'], when: ({ inputs }) => inputs !== null, run: () => 'never' },
          ],
        }).run,
    );
    expect(value).toMatchObject({ completed: ['a', 'b'], skipped: ['c'], allSucceeded: true });
  });

  it('a condition that throws, or gives a promise, fails its step', async () => {
    const under =
      (when: () => boolean): Program =>
      () =>
        defineWorkflow({ name: 'w', steps: [{ id: 'a', run: () => 1, when }] }).run;
    expect(
      (
        await perform(
          under(() => {
            throw new RangeError('no');
          }),
        )
      ).value,
    ).toBe('threw RangeError: no');
    expect((await perform(under(() => Promise.resolve(true) as never))).value).toMatch(
      /^threw InvalidArgumentError: 'when' gave a promise/,
    );
  });

  it('a group that is skipped has skipped members, and what waits for one runs', async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          steps: [
            { id: 'g', when: () => false, parallelGroup: { steps: stepsOf(stage, { a: [1], b: [1, 'a'] }) } },
            { id: 'c', dependsOn: ['b'], run: (_, { statuses }) => ({ ...statuses }) },
          ],
        }).run,
    );
    expect(value).toMatchObject({
      completed: ['c'],
      skipped: ['g'],
      value: { c: { g: 'skipped', a: 'skipped', b: 'skipped' } },
    });
  });
});

describe('B53 B54 the whole', () => {
  it('B53 an empty workflow completes', async () => {
    const { value } = await perform(() => defineWorkflow({ name: 'w', steps: [] }).run);
    expect(value).toMatchObject({ success: true, allSucceeded: true, completed: [], duration: 0 });
  });

  it.each([false, true])('B54 maxDuration fails the run (continueOnError: %s)', async (continueOnError) => {
    for (const waitStrategy of ['all', 'any', 'race', 'allSettled'] as const) {
      const { value, stage } = await perform(
        (at) =>
          defineWorkflow({
            name: 'slow',
            maxDuration: 50,
            parallelConfig: { continueOnError, waitStrategy },
            steps: stepsOf(at, { a: [500] }),
          }).run,
      );
      expect(value).toBe("threw TimeoutError: Workflow 'slow' ran out of time: timed out a.");
      expect(stage.spans[0]).toMatchObject({ to: 50, aborted: true });
    }
  });
});

describe('B56 size', () => {
  const chain = (n: number): Graph =>
    Object.fromEntries(Array.from({ length: n }, (_, i) => [`s${i}`, i === 0 ? [1] : [1, `s${i - 1}`]]));

  it('a chain of 25', async () => {
    const { value } = await perform(graph(chain(25), ({ completed }) => completed.length));
    expect(value).toBe(25);
  });

  const inc = defineTask({ name: 'inc', run: (n: number) => n + 1 });
  const layered =
    (n: number): Program =>
    () =>
      defineWorkflow({
        name: 'layers',
        steps: Array.from({ length: n }, (_, i): WorkflowStep => ({
          id: `s${i}`,
          task: inc,
          dependsOn: [i - 100, i - 101, i - 7].filter((before) => before >= 0).map((before) => `s${before}`),
          input: ({ results }) => Number(results[`s${i - 100}`] ?? 0),
        })),
        output: ({ results }) => results[`s${n - 1}`],
      }).run;

  it('a graph of 10,000 steps runs and replays', async () => {
    const { value, store } = await perform(layered(10_000));
    expect(value).toBe(100);
    expect(journal(store).length).toBe(3 * 10_000 + 4);
    await replays(store, layered(10_000));
  });

  it('a chain of 10,000 steps of which the first is skipped for a reason', async () => {
    const { value } = await perform(
      (stage) =>
        defineWorkflow({
          name: 'w',
          parallelConfig: { continueOnError: true },
          steps: Array.from({ length: 10_000 }, (_, i): WorkflowStep =>
            i === 0
              ? { id: 's0', task: stage.step, input: f(1, 'x') }
              : { id: `s${i}`, dependsOn: [`s${i - 1}`], run: () => 1 },
          ),
          output: ({ statuses }) => Object.values(statuses).filter((status) => status === 'skipped').length,
        }).run,
    );
    expect(value).toBe(9999);
  });

  it('what a definition costs grows with its size', () => {
    const steps = (n: number): object => ({
      name: 'w',
      steps: Array.from({ length: n }, (_, i) => ({
        id: `s${i}`,
        run: () => 1,
        dependsOn: i === 0 ? [] : [`s${i - 1}`],
      })),
    });
    expect(() => defineWorkflow(steps(100_000) as never)).not.toThrow();
  });
});

describe('steps whose own signal is aborted', () => {
  const pipeline: Graph = {
    fetch: [10],
    parse: [30, 'fetch'],
    validate: [5, 'parse'],
    transform: [5, 'parse'],
    save: [5, 'validate', 'transform'],
  };
  const aborted =
    (steps: Graph, victim: string, at: number): Program =>
    (stage) => {
      const controller = new AbortController();
      stage.later(at, () => controller.abort());
      return defineWorkflow({
        name: 'w',
        steps: stepsOf(stage, steps).map((step) =>
          step.id === victim ? { ...step, signal: controller.signal } : step,
        ),
        output: ({ results, statuses }) => [{ ...statuses }, Object.keys(results)],
      }).run;
    };

  it('C40 what depends on it is skipped, and the workflow is done', async () => {
    const { value, stage, store } = await perform(aborted(pipeline, 'parse', 20));
    expect(value).toEqual([
      { fetch: 'completed', parse: 'cancelled', validate: 'skipped', transform: 'skipped', save: 'skipped' },
      ['fetch'],
    ]);
    expect(stage.spans[1]).toMatchObject({ aborted: true, to: 20 });
    expect(shape(store)).toContain('ScopeAborted 0/:parse/0');
    await replays(store, aborted(pipeline, 'parse', 20));
    // The abort is recorded: after a crash the raw signal is not what counts.
    const { seq } = journal(store).find(({ event }) => event.type === 'ScopeClosed') ?? { seq: 0 };
    expect((await resumeAt(store, seq, aborted(pipeline, 'parse', 20))).value).toEqual(value);
  });

  it('C41 the other side of a diamond completes', async () => {
    const { value } = await perform(aborted(DIAMOND, 'c', 15));
    expect(value).toEqual([{ a: 'completed', b: 'completed', c: 'cancelled', d: 'skipped' }, ['a', 'b']]);
  });

  it('a group that is aborted tells of each member', async () => {
    const { value } = await perform((stage) => {
      const controller = new AbortController();
      stage.later(15, () => controller.abort());
      const group = { steps: stepsOf(stage, { a: [10], b: [30], c: [5, 'b'] }) };
      return defineWorkflow({
        name: 'w',
        steps: [
          { id: 'g', signal: controller.signal, parallelGroup: group },
          { id: 'd', dependsOn: ['b'], run: () => 1 },
          {
            id: 'e',
            dependsOn: ['g'],
            runIf: 'always',
            run: (_, { results }) => (results['g'] as GroupResult).completed,
          },
        ],
        output: ({ statuses, results }) => [{ ...statuses }, results['e']],
      }).run;
    });
    expect(value).toEqual([
      { a: 'completed', b: 'cancelled', c: 'skipped', g: 'cancelled', d: 'skipped', e: 'completed' },
      ['a'],
    ]);
  });
});

it('C42 a backoff holds no slot: another step runs during it', async () => {
  const inputs: Record<string, StepInput> = {
    fetch: t(10),
    parse: { ...t(10), failures: 2 },
    other: t(50),
    validate: t(5),
    save: t(5),
  };
  const after: Record<string, string[]> = {
    parse: ['fetch'],
    other: ['fetch'],
    validate: ['parse'],
    save: ['validate'],
  };
  const { value, stage } = await perform(
    (at) =>
      defineWorkflow({
        name: 'w',
        steps: Object.entries(inputs).map(([id, input]) => ({
          id,
          dependsOn: after[id] ?? [],
          task: at.step,
          input,
          pool: 'one',
          retry: { attempts: 3, delay: 100 },
        })),
      }).run,
    { pools: { one: 1 } },
  );
  expect(value).toMatchObject({ completed: ['fetch', 'parse', 'other', 'validate', 'save'] });
  const spansOf = (id: string): number[][] =>
    stage.spans.filter(({ key }) => key === `0/:${id}/0`).map(({ from, to }) => [from, to ?? -1]);
  expect(spansOf('parse')).toEqual([
    [10, 20],
    [120, 130],
    [330, 340],
  ]);
  expect(spansOf('other')).toEqual([[20, 70]]);
});

describe('a run that is cancelled', () => {
  it.each(['all', 'any', 'race', 'allSettled'] as const)(
    'ends, whatever its steps wait for (%s)',
    async (waitStrategy) => {
      const stage = new Stage();
      const store = new MemoryStore();
      const workflow = defineWorkflow({
        name: 'program',
        steps: [
          { id: 'never', when: () => false, run: () => 1 },
          {
            id: 'g',
            parallelGroup: {
              waitStrategy,
              maxConcurrent: 2,
              steps: [
                { id: 'skipped', when: () => false, run: () => 1 },
                ...stepsOf(stage, { a: [500], b: [500, 'a'], c: [500, 'c0'], c0: [500], d: [1], e: [2] }),
              ],
            },
          },
          { id: 'after', dependsOn: ['b'], run: () => 1 },
        ],
      });
      const error: unknown = await stage.use(store, {}, async (runtime) => {
        const handle = runtime.start(workflow, null as never, { id: 'r' });
        stage.later(1, () => runtime.cancel('r', 'enough'));
        return handle.result().catch((reason: unknown) => reason);
      });
      expect(String(error)).toContain('enough');
      expect(shape(store).at(-1)).toBe('RunCancelled');
    },
  );
});
