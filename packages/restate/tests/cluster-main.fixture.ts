/**
 * Three nodes on this machine, runs under way, and kill -9 of a leader: how often, and how many runs at once. In turns it is
 * the node that leads the most partitions, and the one that leads the metadata; it comes back before the next one goes.
 *
 *     node --conditions=source packages/restate/tests/cluster-main.fixture.ts 6 24
 */
import { loadavg } from 'node:os';
import { argv, exitCode, stdout } from 'node:process';
import { RestateCluster } from './cluster.fixture.ts';
import { FuzzLab } from './fuzz.fixture.ts';
import { killLeader } from './leader-kill.fixture.ts';
import { programs } from './random-process.fixture.ts';
import { serverProgram } from './server.fixture.ts';

const [kills = 6, runs = 24] = argv.slice(2).map(Number);
const lab = await FuzzLab.over(await RestateCluster.start(String(serverProgram())));
let wrong = 0;
try {
  for (let i = 0; i < kills; i += 1) {
    const kind = i % 2 === 0 ? 'partitions' : 'metadata';
    let told = {};
    const { problems, moved } = await lab.try(programs(i * 1000, runs), async () => {
      const { wrong: ofSteady, ...figures } = await killLeader(lab, kind, `round-${i}`, runs);
      for (const problem of ofSteady) stdout.write(`${problem}\n`);
      wrong += ofSteady.length;
      told = figures;
    });
    wrong += problems.size;
    for (const [seed, problem] of problems) stdout.write(`seed ${seed}: ${problem}\n`);
    stdout.write(
      `${JSON.stringify({ ...told, randomPrograms: runs, wrongSoFar: wrong, moved, load: loadavg()[0] })}\n`,
    );
  }
} finally {
  await lab.close();
}
process.exitCode = wrong === 0 ? exitCode : 1;
