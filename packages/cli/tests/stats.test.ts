import { expect, test } from 'vitest';

import { Folder } from './here.fixture.ts';
import { documentOf, STEPS, until } from './pawl.fixture.ts';

test('what tasks take, and what a resume after a kill saved', async () => {
  using folder = new Folder();
  folder.write('steps.ts', STEPS);
  const run = folder.start(['run', 'steps.ts', '--id', 'one']);
  await until(() => folder.effects().includes('start 2'));
  run.child.kill('SIGKILL');
  await run.ended;
  folder.write('go', '');
  expect((await folder.pawl('resume', 'one')).code).toBe(0);
  const { stdout } = await folder.pawl('stats', 'steps');
  expect(stdout).toMatch(
    /^steps\n\n {2}runs {5}1 succeeded\n {2}took {5}p50 .*\n {2}resumed {2}1 time: \d.* of work was not done again\n/,
  );
  expect(stdout).toMatch(/^TASK +CALLS +FAILED +P50 +P95 +LONGEST +RETRIES\nstep +3 +0 /m);
  expect(documentOf((await folder.pawl('stats', '--json')).stdout)).toMatchObject({
    version: 1,
    stats: {
      process: 'steps',
      runs: { succeeded: 1, running: 0 },
      resumes: 1,
      tasks: [{ name: 'step', calls: 3, succeeded: 3, failed: 0, retries: 0 }],
      slowest: [],
    },
  });
  expect(await folder.pawl('stats', 'step')).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('steps'),
  });
});
