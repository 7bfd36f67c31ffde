import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { expect, it } from 'vitest';
import { ROOT } from '../tooling/run-command.ts';

/** Modules of Node that take longer to load than all of Pawl; a static import of `node:http` brings undici. */
const HEAVY = ['http', 'https', 'tls', 'zlib', 'inspector', 'internal/deps/undici/undici'];

it('a program that opens a journal loads nothing of Node that it does not need', () => {
  const program = `
    const before = new Set(process.moduleLoadList);
    const { openRuntime } = await import('@pawl/runtime');
    const runtime = await openRuntime({ path: ':memory:' });
    await runtime.close();
    console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name))));
  `;
  const { stdout, stderr, status } = spawnSync(
    execPath,
    ['--conditions=source', '--input-type=module', '--eval', program],
    { cwd: join(ROOT, 'packages/cli'), encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const loaded = JSON.parse(stdout) as string[];
  expect(loaded).toContain('NativeModule crypto');
  expect(HEAVY.filter((name) => loaded.includes(`NativeModule ${name}`))).toEqual([]);
});
