import { describe, expect, it } from 'vitest';

import { Folder } from './here.fixture.ts';

const GREET = `import { defineTask } from '@pawl/sdk';
const greet = defineTask({ name: 'greet', run: (n) => \`hello \${n}\` });
`;

describe('--check', () => {
  it('tells a run that does something else when it is replayed, and keeps its result', async () => {
    using folder = new Folder();
    folder.write(
      'shared.mjs',
      `${GREET}let calls = 0;
export async function process(_, ctx) {
  calls += 1;
  return ctx.task(greet, calls);
}
`,
    );
    folder.write(
      'good.mjs',
      `${GREET}export const process = (_, ctx) => ctx.task(greet, 1);
`,
    );
    const { code, stdout, stderr } = await folder.pawl('run', 'shared.mjs', '--check');
    expect([code, stdout]).toEqual([7, 'hello 1\n']);
    expect(stderr).toContain('difference    $: recorded 1, asked 2');
    expect(stderr).toContain('source        shared.mjs:6:14');
    const good = await folder.pawl('run', 'good.mjs', '--check');
    expect([good.code, good.stdout]).toEqual([0, 'hello 1\n']);
    expect(good.stderr).toContain('✓ 1 run replayed: the same 5 events');
    await folder.pawl('enqueue', 'shared.mjs', '--id', 'queued');
    const worked = await folder.pawl('work', '--until-idle', '--check');
    expect(worked.code).toBe(7);
    expect(worked.stderr).toContain('queued: does not do the same again: pawl replay queued');
    expect(worked.stderr.match(/difference/g)).toHaveLength(1);
  });
});

describe('--strict', () => {
  it('leaves a run whose code looks at the clock, and the run goes on with code that does not', async () => {
    using folder = new Folder();
    const source = (after: string): string => `${GREET}export async function process(_, ctx) {
  const text = await ctx.task(greet, 1);
  ${after}
  return ctx.task(greet, text);
}
`;
    folder.write('clock.mjs', source('Date.now();'));
    const { code, stdout, stderr } = await folder.pawl('run', 'clock.mjs', '--strict', '--id', 'r');
    expect([code, stdout]).toEqual([7, '']);
    expect(stderr).toMatch(/Process code calls Date\.now at .*clock\.mjs:5:8/);
    expect(stderr).toContain('Put it right, then: pawl resume r');
    folder.write('clock.mjs', source(''));
    const resumed = await folder.pawl('resume', 'r', '--strict', '--accept-code-change');
    expect([resumed.code, resumed.stdout]).toEqual([0, 'hello hello 1\n']);
  });
});
