import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ROOT, runCommand } from './run-command.ts';

// What a consumer gets: builds, packs as `pnpm publish` would, and looks at the tarballs, never at the folders. And that
// `pnpm bench` compiles, which asks for more than the check of the types.

const PNPM = 'npx -y pnpm@12.21.0';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, unknown>>;
}

/** Where somebody names a folder, the tarballs stay there: the tests install them. */
const kept = process.env['PAWL_TARBALLS'];
const tarballs = kept ?? mkdtempSync(join(tmpdir(), 'pawl-pack-'));
try {
  const published = readdirSync(join(ROOT, 'packages'))
    .map((name) => manifestOf(join(ROOT, 'packages', name)))
    .filter((manifest) => manifest.private !== true);
  const isBuilt = runCommand('node tooling/build.ts') === 0;
  const isPacked =
    isBuilt && runCommand('tsc -b packages/bench/tsconfig.build.json') === 0 && pack(published);
  process.exitCode = isPacked && published.map(isSound).every(Boolean) ? 0 : 1;
} finally {
  if (kept === undefined) rmSync(tarballs, { recursive: true, force: true });
}

function manifestOf(path: string): Manifest {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
}

/** All at once: a start of pnpm is most of what one takes. */
function pack(manifests: readonly Manifest[]): boolean {
  const filters = manifests.map(({ name }) => `--filter ${name}`).join(' ');
  const command = `${PNPM} -r ${filters} pack --pack-destination ${quote(tarballs)}`;
  return runCommand(command, { quiet: true }) === 0;
}

function isSound({ name, version, exports }: Manifest): boolean {
  const file = quote(join(tarballs, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`));
  const lints = runCommand(`publint --strict ${file}`) === 0;
  // A package with a bin only has no types to look at.
  const hasTypes = exports?.['.'] !== undefined;
  return (
    lints &&
    (!hasTypes || runCommand(`attw ${file} --profile esm-only --format ascii --no-emoji --no-summary`) === 0)
  );
}

function quote(path: string): string {
  return JSON.stringify(path);
}
