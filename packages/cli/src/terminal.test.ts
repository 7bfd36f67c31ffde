import { expect, test } from 'vitest';

import { wantsColours, widthOf } from './terminal.ts';

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  [{ TERM: 'dumb' }, true, false],
  [{ TERM: 'xterm' }, true, true],
])('%o on a terminal (%s): colours %s', (env, isTerminal, colours) => {
  expect(wantsColours(env, isTerminal)).toBe(colours);
});

test.each([
  [{}, undefined, 80],
  [{}, 100, 100],
  [{}, 40, 40],
  [{}, 10, 32],
  [{}, 400, 120],
  [{ COLUMNS: '60' }, undefined, 60],
  [{ COLUMNS: '60' }, 100, 100],
  [{ COLUMNS: 'x' }, undefined, 80],
  [{ COLUMNS: '0' }, undefined, 80],
])('%o, %s columns: %i', (env, columns, width) => {
  expect(widthOf(env, columns)).toBe(width);
});
