import { execFileSync, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildPageOnce } from '../packages/cli/tests/ui.fixture.ts';

/**
 * Every documented line runs, and every module is checked by the compiler: each block of ts or sh says what is done
 * with it. `prints` is what the last command before it prints; in a block of json only the value counts.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** What users get, where it was just built: it starts in a fraction of the time that the sources take. */
const IS_BUILT = process.env['PAWL_BUILT'] === '1';
const PAWL = join(ROOT, 'packages/cli', IS_BUILT ? 'dist/bin.js' : 'bin/pawl.js');
/** Also for what NODE_OPTIONS of an example imports. */
const NODE = `${JSON.stringify(process.execPath)} ${IS_BUILT ? '' : '--conditions=source'}`;

interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The comment before it: `file: name`, `run`, `run: exit 7`, `prints`, `not run: why`. */
  readonly marker: string | undefined;
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  const fence = /(?:<!-- (.+?) -->\n+)?```(\w*)\n([\s\S]*?)```/g;
  for (const match of markdown.matchAll(fence)) {
    const line = markdown.slice(0, match.index).split('\n').length;
    blocks.push({ line, language: match[2] ?? '', text: match[3] ?? '', marker: match[1] });
  }
  return blocks;
}

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'STYLE.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

beforeAll(buildPageOnce);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder as a user has it: `pawl` and `node` on the path, and for embedding the packages in node_modules. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-docs-'));
  folders.push(folder);
  const bin = join(folder, '.bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'pawl'), `#!/bin/sh\nexec ${NODE} ${JSON.stringify(PAWL)} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'node'), `#!/bin/sh\nexec ${NODE} "$@"\n`, { mode: 0o755 });
  mkdirSync(join(folder, 'node_modules/@pawl'), { recursive: true });
  for (const name of ['sdk', 'runtime'])
    symlinkSync(join(ROOT, 'packages', name), join(folder, 'node_modules/@pawl', name));
  // What the user of telemetry has, too.
  for (const name of ['@opentelemetry', 'pino'])
    symlinkSync(join(ROOT, 'packages/runtime/node_modules', name), join(folder, 'node_modules', name));
  symlinkSync(join(ROOT, 'packages/eslint-plugin-pawl'), join(folder, 'node_modules/eslint-plugin-pawl'));
  const oxlint = join(ROOT, 'node_modules/oxlint/bin/oxlint');
  writeFileSync(
    join(bin, 'oxlint'),
    `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(oxlint)} "$@"\n`,
    { mode: 0o755 },
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  return folder;
}

function write(folder: string, file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function fileOf({ marker = '' }: Block): string | undefined {
  return /^file: (.+)$/.exec(marker)?.[1];
}

function run(folder: string, command: string): SpawnSyncReturns<string> {
  const path = `${join(folder, '.bin')}:${process.env['PATH'] ?? ''}`;
  return spawnSync('sh', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: path, NO_COLOR: '1' },
  });
}

describe.each(pages)('%s', (page) => {
  const blocks = blocksOf(readFileSync(join(ROOT, page), 'utf8'));

  it('says of each block of code what is done with it', () => {
    const silent = blocks.filter(
      ({ language, marker }) => ['ts', 'sh', 'js', 'bash'].includes(language) && marker === undefined,
    );
    expect(silent.map(({ line }) => `${page}:${line}`)).toEqual([]);
  });

  const running = blocks.filter(({ marker }) => marker !== undefined && !marker.startsWith('not run: '));
  it.runIf(running.length > 0)('does what it says', { timeout: 240_000 }, () => {
    const folder = makeFolder();
    let printed = '';
    for (const block of running) {
      const { marker = '', text, language, line } = block;
      const file = fileOf(block);
      if (file !== undefined) write(folder, file, text);
      else if (marker === 'prints' && language === 'json')
        expect(JSON.parse(printed), `${page}:${line}`).toEqual(JSON.parse(text));
      else if (marker === 'prints') expect(printed, `${page}:${line}`).toBe(text);
      else {
        expect(marker, `${page}:${line}`).toMatch(/^run(: exit \d+)?$/);
        for (const command of text.trim().split('\n')) {
          const { status, stdout, stderr } = run(folder, command);
          const expected = Number(/\d+$/.exec(marker)?.[0] ?? 0);
          expect(status, `${page}:${line}: ${command}\n${stdout}\n${stderr}`).toBe(expected);
          printed = stdout;
        }
      }
    }
  });
});

/** All of them at once: the compiler's start is most of what a page takes. */
it('the compiler takes the modules of all pages', { timeout: 180_000 }, () => {
  const folder = makeFolder();
  for (const page of pages)
    for (const block of blocksOf(readFileSync(join(ROOT, page), 'utf8'))) {
      const file = fileOf(block);
      if (file?.endsWith('.ts') === true)
        write(folder, join(page.replaceAll(/[/.]/g, '-'), file), block.text);
    }
  const compilerOptions = {
    noEmit: true,
    allowImportingTsExtensions: true,
    customConditions: ['source'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  const settings = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include: ['**/*.ts'] };
  write(folder, 'tsconfig.json', JSON.stringify(settings));
  const { status, stdout } = run(folder, JSON.stringify(join(ROOT, 'node_modules/.bin/tsc')));
  expect(status, stdout).toBe(0);
});

it('links lead somewhere', () => {
  for (const page of pages) {
    for (const [, target = ''] of readFileSync(join(ROOT, page), 'utf8').matchAll(
      /\]\((?!https?:)([^)#]+)\)/g,
    )) {
      execFileSync('test', ['-e', join(ROOT, dirname(page), target)]);
    }
  }
});

it('the map for language models names every page', () => {
  const map = readFileSync(join(ROOT, 'llms.txt'), 'utf8');
  const named = [...map.matchAll(/\]\((docs\/[^)]+)\)/g)].map(([, page]) => page);
  expect(named.toSorted()).toEqual(pages.filter((page) => /^docs\/[^/]+$/.test(page)).toSorted());
});
