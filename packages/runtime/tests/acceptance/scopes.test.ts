import { defineTask, ExitError, type Context, type ExitScope, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  brief,
  everywhere,
  f,
  perform,
  plain,
  replays,
  resumeAt,
  Stage,
  t,
  watchForLeaks,
} from './stage.fixture.ts';

/* ctx.scope: what is registered for its end. */

watchForLeaks();

/** Keys and names of the exits that a journal has run, in order, as far as they succeeded. */
function done(store: MemoryStore, id = 'r'): unknown[] {
  const names = new Map<string, unknown>();
  const ran: unknown[] = [];
  for (const { event } of journal(store, id)) {
    if (event.type === 'TaskScheduled' && /\/exit\/\d+$/.test(event.key))
      names.set(event.key, (event.args as { readonly value?: unknown }).value);
    if (event.type === 'TaskSucceeded' && names.has(event.key)) ran.push(names.get(event.key));
  }
  return ran;
}

const exits = (stage: Stage, scope: ExitScope): void => {
  scope.onExit(stage.step, t(3, 'release'));
  scope.compensate(stage.step, t(3, 'refund'));
  scope.onExit(stage.step, t(3, 'close'));
};

const failing = (error: unknown): unknown =>
  error instanceof ExitError ? [error.name, error.errors.map(brief), brief(error.cause)] : brief(error);

describe('a scope that ends', () => {
  it('⟲ by a result runs onExit, the last first, and not what only takes back', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const got = await ctx.scope(async (scope) => {
          exits(stage, scope);
          return ctx.task(stage.step, t(5, 'work'));
        });
        return [got, await ctx.task(stage.step, t(1, 'after'))];
      },
      ['work', 'after'],
      { depth: 2 },
    );
    expect(done(store)).toEqual(['close', 'release']);
    expect(shape(store).slice(1, 6)).toEqual([
      'ScopeOpened 0',
      'ExitRegistered 0/0/0',
      'ExitRegistered 0/0/1',
      'ExitRegistered 0/0/2',
      'TaskScheduled 0/0/3',
    ]);
    const lines = shape(store);
    expect(lines.slice(lines.indexOf('ScopeClosed 0'), lines.indexOf('ScopeClosed 0') + 2)).toEqual([
      'ScopeClosed 0',
      'TaskScheduled 0/exit/0',
    ]);
    expect(store.verify().damage).toEqual([]);
  });

  it('⟲ by an error runs all of them, the last first, and then throws it', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) =>
        ctx
          .scope(async (scope) => {
            exits(stage, scope);
            await ctx.task(stage.step, f(5, 'no'));
          })
          .catch(brief),
      'TaskError: no',
      { depth: 2 },
    );
    expect(done(store)).toEqual(['close', 'refund', 'release']);
  });

  it('⟲ by its timeout: what it left open is given up first', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) =>
        ctx
          .scope(
            async (scope) => {
              exits(stage, scope);
              await ctx.parallel.all([() => ctx.task(stage.step, t(500)), () => ctx.sleep('1h')]);
            },
            { timeout: 50, key: 'trip' },
          )
          .catch(brief),
      'TimeoutError',
    );
    expect(done(store)).toEqual(['close', 'refund', 'release']);
    const lines = shape(store);
    expect(lines.indexOf('TaskScheduled :trip/exit/0')).toBeGreaterThan(
      lines.indexOf('TaskCancelled :trip/0/3/1/0'),
    );
  });

  it('⟲ with nothing registered is what its function is', async () => {
    await everywhere(
      (stage) => async (_, ctx) => [
        await ctx.scope(() => 'plain'),
        await ctx.scope(() => ctx.task(stage.step, t(1, 'task'))),
        await ctx.scope(() => Promise.reject(new Error('own'))).catch(brief),
        await ctx
          .scope(() => {
            throw new RangeError('sync');
          })
          .catch(brief),
      ],
      ['plain', 'task', 'Error: own', 'RangeError'],
    );
  });

  it('⟲ gives up what nobody waited for, and cleans up after that', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        await ctx.scope(async (scope) => {
          void ctx.task(stage.step, { ms: 300, value: 1, deaf: true });
          scope.onExit(stage.step, t(1, 'clean'));
        });
        return ctx.task(stage.step, t(1, 'after'));
      },
      'after',
    );
    expect(shape(store).filter((line) => /0\/exit|Cancelled/.test(line))).toEqual([
      'TaskCancelled 0/0/0',
      'TaskScheduled 0/exit/0',
      'AttemptStarted 0/exit/0',
      'TaskSucceeded 0/exit/0',
    ]);
  });

  it('⟲ within others: inner ones first', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) =>
        ctx
          .scope(async (outer) => {
            outer.compensate(stage.step, t(2, 'outer'));
            await ctx.parallel.all([
              () =>
                ctx.scope(async (a) => {
                  a.compensate(stage.step, t(9, 'a'));
                  await ctx.task(stage.step, t(500));
                }),
              () =>
                ctx.scope(async (b) => {
                  b.onExit(stage.step, t(4, 'b'));
                  outer.compensate(stage.step, t(1, 'from b'));
                  await ctx.task(stage.step, f(5, 'no'));
                }),
            ]);
          })
          .catch(brief),
      'TaskError: no',
      { depth: 2 },
    );
    expect(done(store)).toEqual(['b', 'a', 'from b', 'outer']);
  });

  it('⟲ in a branch that lost: the winner is not kept waiting, the end of the run is', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        const winner = await ctx.parallel.race([
          () =>
            ctx.scope(async (scope) => {
              exits(stage, scope);
              return ctx.task(stage.step, t(500, 'slow'));
            }),
          () => ctx.task(stage.step, t(5, 'fast')),
        ]);
        return [winner, await ctx.task(stage.step, t(1, 'after'))];
      },
      ['fast', 'after'],
      { depth: 2 },
    );
    expect(done(store)).toEqual(['close', 'refund', 'release']);
    const lines = shape(store);
    expect(lines.indexOf('TaskSucceeded 1')).toBeLessThan(lines.indexOf('TaskSucceeded 0/0/0/exit/2'));
  });

  it('⟲ that the process leaves open is given up when it ends, and cleaned up', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        void ctx.scope(async (scope) => {
          exits(stage, scope);
          await ctx.task(stage.step, t(500));
        });
        void ctx.scope(async (scope) => {
          scope.onExit(stage.step, t(1, 'waits for nothing'));
          await new Promise(() => undefined);
        });
        return ctx.task(stage.step, t(5, 'done'));
      },
      'done',
    );
    expect(done(store)).toEqual(['waits for nothing', 'close', 'refund', 'release']);
  });

  it('⟲ in the items of a reduce, also where an item does not wait for it', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) =>
        ctx.reduce(
          [1, 2, 3],
          0,
          async (sum, item) => {
            void ctx.scope(async (scope) => {
              scope.onExit(stage.step, t(2, `left ${item}`));
              await ctx.task(stage.step, t(500));
            });
            const got = await ctx.scope(async (scope) => {
              scope.onExit(stage.step, t(2, `kept ${item}`));
              return ctx.task(stage.step, t(1, item));
            });
            return sum + Number(got);
          },
          { foldEvery: 2 },
        ),
      6,
    );
    expect(done(store)).toEqual(['kept 1', 'kept 2', 'left 1', 'left 2', 'kept 3', 'left 3']);
  });
});

describe('exits that fail', () => {
  it.each<[string, unknown, unknown]>([
    ['a result', t(1, 'ok'), ['ExitError', ['TaskError: b', 'TaskError: a'], { thrown: undefined }]],
    ['an error', f(1, 'own'), ['ExitError', ['TaskError: b', 'TaskError: a'], 'TaskError: own']],
  ])('⟲ all of them run, and their errors are told together, after %s', async (_what, work, expected) => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) =>
        ctx
          .scope(async (scope) => {
            scope.onExit(stage.step, t(1, 'first'));
            scope.onExit(stage.step, f(1, 'a'));
            scope.onExit(stage.step, t(1, 'second'));
            scope.onExit(stage.step, f(1, 'b'));
            return ctx.task(stage.step, work as never);
          })
          .catch(failing),
      expected,
    );
    expect(done(store)).toEqual(['second', 'first']);
  });

  it('⟲ are tried again as they say', async () => {
    await everywhere((stage) => {
      const again = stage.with({ retry: { attempts: 3, delay: 100 } });
      return async (_, ctx) =>
        ctx.scope((scope) => {
          scope.onExit(again, { ms: 1, value: 'ok', failures: 2 });
          return 'done';
        });
    }, 'done');
  });

  it('the failure of a scope is an error as any: a run that ends by it keeps all of them', async () => {
    const { store, told } = await perform(
      (stage) => async (_, ctx) => ctx.scope((scope) => scope.onExit(stage.step, f(1, 'a'))),
    );
    expect(plain(told)).toEqual({
      error: 'ExitError: A task at the end of scope (0) failed: a',
    });
    const end = journal(store).at(-1)?.event;
    expect(end).toMatchObject({ type: 'RunFailed', error: { code: 'EXIT_FAILED' } });
    expect('error' in told && Reflect.get(told.error, 'errors')).toMatchObject([{ message: 'a' }]);
  });
});

describe('what is refused', () => {
  it.each<[string, (ctx: Context, stage: Stage) => unknown, string]>([
    ['a body that is no function', (ctx) => ctx.scope('x' as never), 'InvalidArgumentError'],
    ['an unknown option', (ctx) => ctx.scope(() => 1, { signal: 1 } as never), 'InvalidOptionError'],
    ['options that are none', (ctx) => ctx.scope(() => 1, 7 as never), 'InvalidOptionError'],
    ['a bad timeout', (ctx) => ctx.scope(() => 1, { timeout: -1 }), 'InvalidOptionError'],
    ['a bad key', (ctx) => ctx.scope(() => 1, { key: '' }), 'InvalidOptionError'],
  ])('%s, at the call, with nothing recorded', async (_what, call, name) => {
    const { store, value } = await perform((stage) => async (_, ctx) => {
      try {
        call(ctx, stage);
        return 'not refused';
      } catch (error) {
        return (error as Error).name;
      }
    });
    expect(value).toBe(name);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it.each<[string, (scope: ExitScope, stage: Stage) => unknown, string]>([
    ['what is no task', (scope) => scope.onExit((() => 1) as never), 'InvalidArgumentError'],
    [
      'a bad option',
      (scope, stage) => scope.onExit(stage.step, t(1), { retry: 7 } as never),
      'InvalidOptionError',
    ],
    [
      'an option that is none',
      (scope, stage) => scope.compensate(stage.step, t(1), { pol: 7 } as never),
      'InvalidOptionError',
    ],
    [
      'an input that cannot be recorded',
      (scope, stage) => scope.compensate(stage.step, { ms: 1, value: () => 1 }),
      'UnserializableError',
    ],
    [
      'a key that is taken',
      (scope, stage) => {
        scope.onExit(stage.step, t(1), { key: 'k' });
        scope.onExit(stage.step, t(1), { key: 'k' });
      },
      'InvalidArgumentError',
    ],
  ])('of what is registered: %s', async (_what, register, name) => {
    const { value, store } = await perform(
      (stage) => async (_, ctx) =>
        ctx.scope((scope) => {
          try {
            register(scope, stage);
            return 'not refused';
          } catch (error) {
            return (error as Error).name;
          }
        }),
    );
    expect(value).toBe(name);
    expect(shape(store).filter((line) => line.startsWith('ExitRegistered')).length).toBeLessThan(2);
  });

  it('more exits than the limit', async () => {
    const { value } = await perform(
      (stage) => async (_, ctx) =>
        ctx.scope((scope) => {
          scope.onExit(stage.step, t(1));
          scope.onExit(stage.step, t(1));
          try {
            scope.onExit(stage.step, t(1));
            return 'not refused';
          } catch (error) {
            return (error as Error & { limit: string }).limit;
          }
        }),
      { limits: { scopeExits: 2 } },
    );
    expect(value).toBe('scopeExits');
  });

  it('the handle of a scope that has ended, and outside of its scope', async () => {
    const { value } = await perform((stage) => async (_, ctx) => {
      let handle: ExitScope | undefined;
      await ctx.scope((scope) => void (handle = scope));
      const tell = (): string => {
        try {
          handle?.onExit(stage.step, t(1));
          return 'not refused';
        } catch (error) {
          return (error as Error).name;
        }
      };
      return [tell(), await ctx.scope(() => tell())];
    });
    expect(value).toEqual(['InvalidArgumentError', 'InvalidArgumentError']);
  });
});

/** Runs a program, asks something of it after `ms`, and waits for its end. */
async function steered(
  program: (stage: Stage) => Process,
  ms: number,
  steer: (runtime: Parameters<Parameters<Stage['use']>[2]>[0], stage: Stage) => void,
): Promise<{ readonly stage: Stage; readonly store: MemoryStore; readonly outcome: string }> {
  const stage = new Stage();
  const store = new MemoryStore();
  const outcome = await stage.use(store, {}, async (runtime) => {
    const handle = runtime.start(program(stage), null as never, { id: 'r' });
    stage.later(ms, () => steer(runtime, stage));
    return handle.result().then(String, (error: Error) => `${error.name}: ${error.message}`);
  });
  return { stage, store, outcome };
}

/** Crashes it at every prefix behind the first event of that type, and goes on: as it was, but for times. */
async function crashedBehind(
  type: string,
  store: MemoryStore,
  program: (stage: Stage) => Process,
  check: (resumed: MemoryStore, where: string) => void,
): Promise<void> {
  const events = journal(store);
  const from = events.findIndex(({ event }) => event.type === type);
  expect(from, type).toBeGreaterThan(0);
  for (let seq = from + 1; seq <= events.length; seq += 1) {
    const where = `after a crash at seq ${seq}: ${transcript(store)[seq - 1]}`;
    const resumed = await resumeAt(store, seq, program);
    check(resumed.store, `${where}\n${transcript(resumed.store).join('\n')}`);
    await replays(resumed.store, program, where);
  }
}

describe('a run that is cancelled', () => {
  const saga =
    (stage: Stage): Process =>
    async (_, ctx) =>
      ctx.scope(async (outer) => {
        outer.onExit(stage.step, t(20, 'outer'));
        await ctx.parallel.all([
          () =>
            ctx.scope(async (scope) => {
              exits(stage, scope);
              await ctx.task(stage.step, t(500, 'work'));
            }),
          () => ctx.sleep('1h'),
        ]);
      });

  it('⟲ cleans up: inner scopes first, then it is cancelled', async () => {
    const { store, outcome } = await steered(saga, 50, (runtime) => void runtime.cancel('r', 'enough'));
    expect(outcome).toBe('RuntimeError: Run r was cancelled: enough');
    const expected = ['close', 'refund', 'release', 'outer'];
    expect(done(store)).toEqual(expected);
    await replays(store, saga);
    await crashedBehind('CancelRequested', store, saga, (resumed, where) => {
      expect(done(resumed), where).toEqual(expected);
      expect(journal(resumed).findLast(({ event }) => event.type !== 'LateResult')?.event, where).toEqual({
        type: 'RunCancelled',
        reason: 'enough',
      });
    });
  });

  it('⟲ by force gives the cleanup up, too', async () => {
    const { store, outcome } = await steered(saga, 50, (runtime, stage) => {
      runtime.cancel('r', 'enough');
      stage.later(4, () => void runtime.cancel('r', 'now', { force: true }));
    });
    expect(outcome).toBe('RuntimeError: Run r was cancelled: now');
    expect(done(store)).toEqual(['close']);
    expect(
      shape(store)
        .filter((line) => /exit|Forced/.test(line))
        .slice(-4),
    ).toEqual([
      'AttemptStarted 0/0/1/0/0/exit/1',
      'CancelForced',
      'TaskCancelled 0/0/1/0/0/exit/1',
      'LateResult 0/0/1/0/0/exit/1',
    ]);
    await replays(store, saga);
    await crashedBehind('CancelForced', store, saga, (resumed, where) =>
      expect(done(resumed), where).toEqual(['close']),
    );
  });

  it('by force at once: nothing is cleaned up', async () => {
    const { store } = await steered(saga, 50, (runtime) => void runtime.cancel('r', 'now', { force: true }));
    expect(done(store)).toEqual([]);
    expect(shape(store)).not.toContain('CancelRequested');
    await replays(store, saga);
  });

  it('waits before it cleans up for the task that it aborts, up to its grace', async () => {
    const deaf =
      (stage: Stage): Process =>
      async (_, ctx) =>
        ctx.scope(async (scope) => {
          scope.compensate(stage.step, t(1, 'refund'));
          await ctx.task(stage.step, { ms: 500, value: 'paid', deaf: true });
        });
    const { store, stage } = await steered(deaf, 50, (runtime) => void runtime.cancel('r'));
    const [paid, refund] = stage.spans;
    expect(paid?.to).toBe(500);
    expect(refund?.from).toBe(500);
    expect(shape(store).slice(-5)).toEqual([
      'TaskScheduled 0/exit/0',
      'LateResult 0/0/1',
      'AttemptStarted 0/exit/0',
      'TaskSucceeded 0/exit/0',
      'RunCancelled',
    ]);
    const longer =
      (other: Stage): Process =>
      async (_, ctx) =>
        ctx.scope(async (scope) => {
          scope.compensate(other.step, t(1, 'refund'));
          await ctx.task(other.step, { ms: 60_000, value: 'paid', deaf: true });
        });
    const second = await steered(longer, 50, (runtime) => void runtime.cancel('r'));
    expect(second.stage.spans[1]?.from).toBe(5050);
  });

  it('cleans up runs of its own first', async () => {
    const both =
      (stage: Stage): Process =>
      async (_, ctx) =>
        ctx.scope(async (scope) => {
          scope.compensate(stage.step, t(1, 'parent'));
          await ctx.run(async function inner(_inputs: null, child) {
            await child.scope(async (own) => {
              own.compensate(stage.step, t(30, 'child'));
              await child.task(stage.step, t(500));
            });
          }, null);
        });
    const { store, stage } = await steered(both, 50, (runtime) => void runtime.cancel('r', 'enough'));
    expect(done(store)).toEqual(['parent']);
    expect(done(store, 'r.0.0.1')).toEqual(['child']);
    const [, child, parent] = stage.spans;
    expect(parent?.from).toBeGreaterThanOrEqual(child?.to ?? Infinity);
  });

  it('while nobody drives it is asked, and cleans up when somebody resumes it', async () => {
    const first = new Stage();
    const store = new MemoryStore();
    await first.use(store, {}, async (runtime) => {
      runtime.start(saga(first), null as never, { id: 'r' });
      await first.clock.sleep(50);
    });
    const other = new Stage();
    await other.use(store, {}, async (runtime) => {
      expect(runtime.cancel('r', 'enough')).toBe('asked');
      await expect(runtime.resume('r', saga(other)).result()).rejects.toThrow('cancelled: enough');
    });
    expect(done(store)).toEqual(['close', 'refund', 'release', 'outer']);
    expect(other.spans.map(({ key }) => key)).not.toContain('0/0/1/0/0/3');
  });

  it('while nobody drives it, by force: at once and without its code', async () => {
    const first = new Stage();
    const store = new MemoryStore();
    await first.use(store, {}, async (runtime) => {
      runtime.start(saga(first), null as never, { id: 'r' });
      await first.clock.sleep(50);
    });
    await first.use(store, {}, async (runtime) => {
      expect(runtime.cancel('r', 'now', { force: true })).toBe('cancelled');
    });
    expect(done(store)).toEqual([]);
    await replays(store, saga);
  });

  it('that is stopped meanwhile goes on cleaning up when it is resumed, each once', async () => {
    const first = new Stage();
    const store = new MemoryStore();
    await first.use(store, {}, async (runtime) => {
      const handle = runtime.start(saga(first), null as never, { id: 'r' });
      await first.clock.sleep(50);
      handle.cancel('enough');
      await first.clock.sleep(5);
    });
    expect(done(store)).toEqual(['close']);
    const other = new Stage();
    await other.use(store, {}, async (runtime) => {
      await expect(runtime.resume('r', saga(other)).result()).rejects.toThrow('cancelled: enough');
    });
    expect(done(store)).toEqual(['close', 'refund', 'release', 'outer']);
  });

  it('asks a person about an exit whose end is not known, and goes on with the answer', async () => {
    const asking = (stage: Stage): Process => {
      const ask = stage.with({ onUnknown: 'ask' });
      return async (_, ctx) =>
        ctx.scope(async (scope) => {
          scope.onExit(stage.step, t(1, 'later'));
          scope.compensate(ask, t(20, 'refund'));
          await ctx.task(stage.step, t(500));
        });
    };
    const { store } = await steered(asking, 50, (runtime) => void runtime.cancel('r', 'enough'));
    const started = journal(store).find(
      ({ event }) => event.type === 'AttemptStarted' && event.key === '0/exit/0',
    );
    const prefix = store.prefix('r', started?.seq ?? 0);
    const stage = Stage.at(started?.at ?? 0);
    const waits: unknown[] = [];
    await stage.use(prefix, { onWaiting: (_id, keys) => waits.push(keys) }, async (runtime) => {
      const handle = runtime.resume('r', asking(stage));
      await stage.clock.sleep(50);
      expect(waits).toEqual([['0/exit/0']]);
      expect(runtime.get('r')?.asked).toEqual(['0/exit/0']);
      runtime.resolve('r', '0/exit/0', { status: 'done', output: 'by hand' });
      await expect(handle.result()).rejects.toThrow('cancelled: enough');
    });
    expect(stage.spans.map(({ key }) => key)).toEqual(['0/exit/1']);
  });
});

it('a registration that is gone from the code is a divergence, and nothing is written', async () => {
  const program =
    (isChanged: boolean) =>
    (stage: Stage): Process =>
    async (_, ctx) =>
      ctx.scope(async (scope) => {
        scope.onExit(stage.step, t(1, 'a'));
        if (!isChanged) scope.onExit(stage.step, t(1, 'b'));
        await ctx.task(stage.step, t(5));
      });
  const { store } = await perform(program(false));
  for (let seq = 4; seq < journal(store).length; seq += 1) {
    const resumed = await resumeAt(store, seq, program(true));
    expect(plain(resumed.told), `at ${seq}`).toMatchObject({
      error: expect.stringContaining('NonDeterminismError'),
    });
    expect(journal(resumed.store)).toHaveLength(seq);
  }
});

it('secrets of a run can be used to clean up', async () => {
  const seen: unknown[] = [];
  const release = defineTask({
    name: 'release',
    run: (args: { readonly key: string }) => void seen.push(args.key),
  });
  const stage = new Stage();
  const store = new MemoryStore();
  await stage.use(store, { secretKey: Buffer.alloc(32, 7).toString('base64') }, async (runtime) => {
    const handle = runtime.start(
      (async (_: null, ctx) =>
        ctx.scope(async (scope) => {
          const key = await ctx.receive<string>('key', { secret: true });
          scope.onExit(release, { key });
        })) as Process<null>,
      null,
      { id: 'r' },
    );
    await runtime.send('r', 'key', 'open sesame');
    await handle.result();
  });
  expect(seen).toEqual(['open sesame']);
  expect(transcript(store).join('')).not.toContain('sesame');
});
