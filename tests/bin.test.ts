import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

// The way in, as an installed package: what it does on a Node that is too old, and what on one that is not.

const BIN = join(import.meta.dirname, '..', 'packages', 'cli', 'bin', 'pawl.js');
const OLD_NODE = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-bin-'));
  for (const name of ['bin', 'dist']) mkdirSync(join(folder, name));
  copyFileSync(BIN, join(folder, 'bin', 'pawl.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'dist', 'bin.js'),
    'console.log(JSON.stringify([process.versions.node, ...process.argv.slice(2)])); process.exitCode = 7;',
  );
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function pawl(...nodeOptions: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const args = [...nodeOptions, join(folder, 'bin', 'pawl.js'), 'show', 'a b'];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env: {} });
}

const asOldNode = ['--import', `data:text/javascript,${encodeURIComponent(OLD_NODE)}`];

test('on a Node that suffices it runs the build', () => {
  const { status, stdout, stderr } = pawl();
  expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
  expect(JSON.parse(stdout)).toEqual([process.versions.node, 'show', 'a b']);
});

test('it says its version by itself, on any Node', () => {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "version": "1.2.3" }');
  for (const flag of ['--version', '-V']) {
    const args = [...asOldNode, join(folder, 'bin', 'pawl.js'), flag];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env: {} });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '1.2.3\n' });
  }
});

test('an old Node is refused in one clear message that names the needed version', () => {
  const { status, stdout, stderr } = pawl(...asOldNode);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('pawl needs Node.js 22.18.0 or newer; this is 20.19.0');
  expect(stderr).not.toContain('    at ');
});

test('an old Node hands over to the npm package node, with its arguments and its exit code', () => {
  const installed = dirname(createRequire(import.meta.url).resolve('node/package.json'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(installed, join(folder, 'node_modules', 'node'), 'junction');

  const { status, stdout, stderr } = pawl(...asOldNode);
  expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
  const [version, ...args] = JSON.parse(stdout) as string[];
  expect(version).toMatch(/^24\./);
  expect(args).toEqual(['show', 'a b']);
});
