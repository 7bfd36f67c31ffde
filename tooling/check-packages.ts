import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT, runCommand } from './run-command.ts';

// What a consumer gets: builds, packs as `pnpm publish` would, and looks at the tarballs, never at the folders.

const PNPM = 'npx -y pnpm@12.21.0';

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
}

const tarballs = mkdtempSync(join(tmpdir(), 'pawl-pack-'));
try {
  const packages = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name));
  const passed = runCommand('node tooling/build.ts') === 0 && packages.map(isSound).every(Boolean);
  process.exitCode = passed ? 0 : 1;
} finally {
  rmSync(tarballs, { recursive: true, force: true });
}

function isSound(path: string): boolean {
  const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
  if (manifest.private === true) return true;

  const before = readdirSync(tarballs);
  if (runCommand(`${PNPM} pack --pack-destination ${quote(tarballs)}`, { cwd: path, quiet: true }) !== 0)
    return false;
  const [tarball] = readdirSync(tarballs).filter((name) => !before.includes(name));
  if (tarball === undefined) return false;

  const file = quote(join(tarballs, tarball));
  const lints = runCommand(`publint --strict ${file}`) === 0;
  // A package with a bin only has no types to look at.
  const hasTypes = manifest.exports?.['.'] !== undefined;
  return (
    lints &&
    (!hasTypes || runCommand(`attw ${file} --profile esm-only --format ascii --no-emoji --no-summary`) === 0)
  );
}

function quote(path: string): string {
  return JSON.stringify(path);
}
