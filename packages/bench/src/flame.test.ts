import { expect, it } from 'vitest';

import { flameOf, type CpuProfile } from './flame.ts';

const node = (
  id: number,
  functionName: string,
  url: string,
  children: number[] = [],
): CpuProfile['nodes'][0] => ({
  id,
  callFrame: { functionName, url },
  children,
});

const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 5, 6, 7]),
    node(2, 'step', 'file:///x/packages/runtime/src/engine/turn-loop.ts', [3, 4]),
    node(3, 'decide', 'file:///x/packages/runtime/src/kernel/decide.ts'),
    node(4, '<b>', 'file:///x/packages/runtime/src/store/sqlite/append.ts'),
    node(5, '(idle)', ''),
    node(6, 'load', 'node:internal/modules/esm/loader'),
    node(7, '(garbage collector)', ''),
  ],
  samples: [3, 4, 4, 5, 6, 7],
  timeDeltas: [100, 50, 150, 5000, 7000, 100],
};

it('gives each frame its share of the work, and leaves out waiting and loading', () => {
  const svg = flameOf(PROFILE, 'a <title>');
  const shares = [...svg.matchAll(/<g><title>(.+?): ([\d.]+) %<\/title>/g)].map(([, name, share]) => [
    name,
    share,
  ]);
  expect(shares).toEqual([
    ['all', '100.0'],
    ['step turn-loop.ts', '75.0'],
    ['&lt;b&gt; append.ts', '50.0'],
    ['decide decide.ts', '25.0'],
    ['garbage collection', '25.0'],
  ]);
  expect(svg).toContain('a &lt;title&gt;');
  expect(svg).not.toContain('<b>');
});
