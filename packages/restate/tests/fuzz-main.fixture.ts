/**
 * Random programs on Restate while workers and the server are killed, and workers hang: how many, and from which seed on.
 * People answer their questions, send their messages and do their tasks meanwhile.
 *
 *     node --conditions=source packages/restate/tests/fuzz-main.fixture.ts 200 1000
 */
import { argv, exitCode, stdout } from 'node:process';
import { FuzzLab, KEEP_ALIVE } from './fuzz.fixture.ts';
import { programs } from './random-process.fixture.ts';
import { serverProgram } from './server.fixture.ts';

const BATCH = 20;
const [count = 200, from = 0] = argv.slice(2).map(Number);
const chosen = programs(from, count);
const lab = await FuzzLab.open(String(serverProgram()), KEEP_ALIVE);
const sums = { programs: 0, wrong: 0, moved: 0, workersKilled: 0, workersStopped: 0, serversKilled: 0 };
try {
  for (let at = 0; at < chosen.length; at += BATCH) {
    const batch = chosen.slice(at, at + BATCH);
    const { problems, moved } = await lab.try(batch, async ({ workers, server }) => {
      sums.workersKilled += await workers.killBusy(2, 5);
      sums.workersStopped += Number(await workers.stopBusy(3));
      await server.kill();
      sums.serversKilled += 1;
      await server.start();
      sums.workersKilled += await workers.killBusy(2, 5);
    });
    sums.programs += batch.length;
    sums.wrong += problems.size;
    sums.moved += moved;
    for (const [seed, problem] of problems) stdout.write(`seed ${seed}: ${problem}\n`);
    stdout.write(`${JSON.stringify(sums)}\n`);
  }
} finally {
  await lab.close();
}
process.exitCode = sums.wrong === 0 ? exitCode : 1;
