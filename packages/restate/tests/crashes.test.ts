import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FuzzLab, KEEP_ALIVE } from './fuzz.fixture.ts';
import { programs } from './random-process.fixture.ts';
import { serverProgram } from './server.fixture.ts';

const program = serverProgram();

describe.skipIf(program === undefined)('random programs while workers die', () => {
  let lab: FuzzLab;

  beforeAll(async () => {
    lab = await FuzzLab.open(String(program), KEEP_ALIVE);
  });
  afterAll(() => lab.close());

  it('end as the model says where workers are killed, and no completed task runs again', async () => {
    let killed = 0;
    const { problems, moved } = await lab.try(programs(0, 20), async ({ workers }) => {
      killed = await workers.killBusy(5, 4);
    });
    expect(Object.fromEntries(problems)).toEqual({});
    expect(killed, 'workers that were killed').toBeGreaterThan(2);
    expect(moved, 'runs that went on in another program').toBeGreaterThan(0);
  });

  it('end as the model says where a worker hangs, and what it did meanwhile is not recorded', async () => {
    let isStopped = false;
    const { problems, moved } = await lab.try(programs(300, 20), async ({ workers }) => {
      isStopped = await workers.stopBusy(4);
    });
    expect(Object.fromEntries(problems)).toEqual({});
    expect(isStopped).toBe(true);
    expect(moved, 'runs that went on in another program').toBeGreaterThan(0);
  });
});
