import type { Context } from '@pawl/sdk';
import Database from 'better-sqlite3';
import { expect, describe, it, onTestFinished } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRuntime } from '../../src/index.ts';
import { MemoryStore } from '../../src/testing.ts';
import { journal, shape, transcript } from '../lab.fixture.ts';
import {
  everywhere,
  perform,
  replays,
  resumeAt,
  Stage,
  t,
  watchForLeaks,
  type Program,
} from './stage.fixture.ts';

/* ctx.setState: what a run says of itself. */

watchForLeaks();

describe('ctx.setState', () => {
  it('⟲ is recorded with what comes next, once, in whatever branch', async () => {
    const { store } = await everywhere(
      (stage) => async (_, ctx) => {
        ctx.setState('stage', 'begun');
        ctx.setState('customer', 42);
        await ctx.parallel.map([3, 1, 2], async (n) => {
          await ctx.task(stage.step, t(n));
          ctx.setState(`branch_${n}`, { done: true });
        });
        ctx.setState('stage', 'nearly');
        await ctx.task(stage.step, t(1));
        ctx.setState('customer', undefined);
        return 'done';
      },
      'done',
      { depth: 2 },
    );
    expect(store.stateOf('r')).toEqual({
      stage: 'nearly',
      branch_1: { done: true },
      branch_2: { done: true },
      branch_3: { done: true },
    });
    expect(shape(store).slice(0, 4)).toEqual([
      'RunStarted',
      'StateSet state',
      'StateSet state',
      'ScopeOpened 0',
    ]);
    expect(store.verify().damage).toEqual([]);
  });

  it('after a crash at any place it is as it was, or further', async () => {
    const program: Program = (stage) => async (_, ctx) => {
      for (let i = 0; i < 4; i += 1) {
        ctx.setState('at', i);
        await ctx.task(stage.step, t(5, i));
      }
      return 'done';
    };
    const { store } = await perform(program);
    for (let seq = 1; seq < journal(store).length; seq += 1) {
      const prefix = store.prefix('r', seq);
      const sets = shape(prefix).filter((line) => line.startsWith('StateSet'));
      expect(prefix.stateOf('r')).toEqual(sets.length === 0 ? {} : { at: sets.length - 1 });
      const resumed = await resumeAt(store, seq, program);
      expect(resumed.store.stateOf('r')).toEqual({ at: 3 });
      expect(shape(resumed.store).filter((line) => line.startsWith('StateSet'))).toHaveLength(4);
    }
  });

  it('may be added to the code, and taken out of it, under a run', async () => {
    const program =
      (names: readonly string[]): Program =>
      (stage) =>
      async (_, ctx) => {
        for (let i = 0; i < 3; i += 1) {
          for (const name of names) ctx.setState(name, i);
          await ctx.task(stage.step, t(5, i));
        }
        return 'done';
      };
    const { store } = await perform(program(['a', 'b']));
    for (const names of [[], ['b'], ['c', 'a', 'b', 'd']]) {
      for (let seq = 1; seq < journal(store).length; seq += 1) {
        const resumed = await resumeAt(store, seq, program(names));
        const where = `${names.join()} at ${seq}\n${transcript(resumed.store).join('\n')}`;
        expect(resumed.value, where).toBe('done');
        expect(resumed.store.verify().damage, where).toEqual([]);
        await replays(resumed.store, program(names), where);
      }
    }
  });

  it('in the items of a reduce: the last value stays when its rows are removed', async () => {
    const program: Program = (stage) => async (_, ctx) =>
      ctx.reduce(
        Array.from({ length: 40 }, (_item, index) => index),
        0,
        async (sum, n) => {
          ctx.setState('done', n + 1);
          return sum + Number(await ctx.task(stage.step, t(1, n)));
        },
        { foldEvery: 10 },
      );
    const { store, value } = await perform(program, { limits: { compactRows: 5 } });
    expect(value).toBe(780);
    expect(shape(store)).toContain('Compacted');
    expect(store.stateOf('r')).toEqual({ done: 40 });
    expect(store.verify().damage).toEqual([]);
    await replays(store, program);
  });

  it('in a branch that was given up it is not written', async () => {
    const { store } = await perform((stage) => async (_, ctx) => {
      await ctx.parallel.race([
        () => ctx.task(stage.step, t(1)),
        async () => {
          await ctx.task(stage.step, t(50)).catch(() => undefined);
          ctx.setState('late', true);
        },
      ]);
      return ctx.task(stage.step, t(5));
    });
    expect(store.stateOf('r')).toEqual({});
  });

  it.each<[string, (ctx: Context) => unknown, string]>([
    ['no name', (ctx) => ctx.setState('', 1), 'InvalidArgumentError'],
    ['a name with a space', (ctx) => ctx.setState('a b', 1), 'InvalidArgumentError'],
    ['a name that is none', (ctx) => ctx.setState(7 as never, 1), 'InvalidArgumentError'],
    ['what cannot be recorded', (ctx) => ctx.setState('a', () => 1), 'UnserializableError'],
    ['what is too large', (ctx) => ctx.setState('a', 'x'.repeat(5000)), 'LimitError stateBytes'],
  ])('refuses %s at the call, with nothing recorded', async (_what, call, name) => {
    const { value, store } = await perform(() => async (_, ctx) => {
      try {
        call(ctx);
        return 'not refused';
      } catch (error) {
        return [(error as Error).name, Reflect.get(error as Error, 'limit')].filter(Boolean).join(' ');
      }
    });
    expect(value).toBe(name);
    expect(shape(store)).toEqual(['RunStarted', 'RunSucceeded']);
  });

  it('⟲ refuses more names than the limit, also those that were taken away, the same on replay', async () => {
    await everywhere(
      (stage) => async (_, ctx) => {
        let refused = '';
        const set = (name: string, value: unknown): void => {
          try {
            ctx.setState(name, value);
          } catch (error) {
            refused += ` ${name}:${String(Reflect.get(error as Error, 'limit'))}`;
          }
        };
        for (let i = 0; i < 62; i += 1) set(`n${i}`, i);
        for (const name of ['a', 'b', 'a', 'c', 'b', 'd', 'a']) {
          set(name, 1);
          await ctx.task(stage.step, t(1));
          ctx.setState('a', undefined);
        }
        return refused;
      },
      ' c:stateNames d:stateNames',
    );
  });
});

describe('from outside', () => {
  const program: Program = (stage) => async (inputs, ctx) => {
    ctx.setState('customer', (inputs as { customer: number } | null)?.customer ?? 7);
    ctx.setState('since', new Date(5));
    await ctx.receive('go');
    ctx.setState('customer', 'gone');
    return ctx.task(stage.step, t(1));
  };

  it('a run can be asked at any moment, and runs are found by what they say', async () => {
    const stage = new Stage();
    const store = new MemoryStore();
    await stage.use(store, {}, async (runtime) => {
      const handle = runtime.start(program(stage), null as never, { id: 'one' });
      runtime.start(program(stage), { customer: 42 } as never, { id: 'two' });
      await stage.clock.sleep(5);
      expect(runtime.query('one')).toMatchObject({
        runId: 'one',
        status: 'running',
        state: { customer: 7, since: new Date(5) },
      });
      const found = (customer: unknown): string[] =>
        runtime.list({ limit: 10, where: { customer: [customer as number] } }).map(({ runId }) => runId);
      expect(found(7)).toEqual(['one']);
      expect(found(42)).toEqual(['two']);
      await runtime.send('one', 'go', null);
      await handle.result();
      expect(runtime.query('one').state).toMatchObject({ customer: 'gone' });
      expect(found(7)).toEqual([]);
      expect(found('gone')).toEqual(['one']);
      expect(() => runtime.query('none')).toThrow(/no run 'none'/);
      for (const where of [7, [], { a: 1 }, { a: Array.from({ length: 17 }, () => 1) }])
        expect(() => runtime.list({ limit: 1, where: where as never })).toThrow(/where/);
    });
  });

  it('in a file: what was changed in the table behind its events is found by verify', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pawl-state-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'journal.db');
    const runtime = await openRuntime({ path });
    await runtime
      .start(
        async (_: null, ctx: Context) => {
          ctx.setState('customer', 42);
          ctx.setState('kind', 'a');
          await ctx.sleep(1);
        },
        null,
        { id: 'one' },
      )
      .result();
    expect(runtime.query('one').state).toEqual({ customer: 42, kind: 'a' });
    expect(runtime.list({ limit: 5, where: { customer: [42] } })).toHaveLength(1);
    expect(runtime.store.verify().damage).toEqual([]);
    await runtime.close();
    const change = (sql: string): void => {
      const db = new Database(path);
      db.exec(sql);
      db.close();
    };
    const damage = async (): Promise<unknown> => {
      await using again = await openRuntime({ path });
      return again.store.verify().damage;
    };
    change(`update run_state set value = '43' where name = 'customer'`);
    expect(await damage()).toEqual([
      { runId: 'one', seq: 0, problem: "its state 'customer' is 43, its events give 42" },
    ]);
    change(
      `update run_state set value = '42' where name = 'customer'; insert into run_state (run, name, value) values (1, 'x', '1')`,
    );
    expect(await damage()).toEqual([{ runId: 'one', seq: 0, problem: "no event sets its state 'x'" }]);
    change(`delete from run_state`);
    expect(await damage()).toMatchObject([
      { problem: "its state 'customer' is nothing, its events give 42" },
    ]);
  });
});
