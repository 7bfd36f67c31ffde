import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import plugin from '../src/index.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'pawl-oxlint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly message: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

/** What oxlint finds with all rules of the plugin, as `rule line`. */
function lint(...paths: readonly string[]): string[] {
  const config = join(folder, 'oxlint.json');
  writeFileSync(
    config,
    JSON.stringify({
      categories: { correctness: 'off' },
      jsPlugins: [join(ROOT, 'packages/eslint-plugin-pawl/src/index.ts')],
      rules: Object.fromEntries(Object.keys(plugin.rules).map((name) => [`pawl/${name}`, 'error'])),
    }),
  );
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/oxlint/bin/oxlint'),
      '-c',
      config,
      '--disable-nested-config',
      '-f',
      'json',
      ...paths,
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  const { diagnostics } = JSON.parse(stdout) as Report;
  return diagnostics.map(({ code, labels }) => `${code} ${labels[0]?.span.line ?? 0}`).toSorted();
}

describe('in oxlint, on TypeScript', () => {
  it('each rule finds what it is for', () => {
    const file = join(folder, 'order.ts');
    writeFileSync(
      file,
      `import { readFile } from 'node:fs/promises';
import { defineTask, type Context, type Process } from '@pawl/sdk';

const STEPS = ['a', 'b'] as const;
const step = defineTask({ name: 'step', run: async (n: string) => \`\${n} \${Date.now()}\` });

export async function process({ name }: { name: string }, ctx: Context): Promise<string[]> {
  const at = new Date();
  await readFile(name);
  ctx.sleep('1s');
  for (const each of STEPS) await ctx.task(step, each);
  const own = defineTask({ name: 'own', run: async () => void (await ctx.sleep(1)) });
  await ctx.task(own);
  return ctx.parallel.all([ctx.task(step, \`\${at.getTime()}\`)] as never);
}

const helper = (c: Context): number => Math.random() + c.random();
export const other: Process<null, number> = async (_, c) => Math.random() + helper(c);
export const notOurs = (ctx: { task(): void }): void => ctx.task();
`,
    );
    expect(lint(file)).toEqual([
      'pawl(no-ctx-in-task) 12',
      'pawl(no-eager-parallel) 14',
      'pawl(no-floating-ctx) 10',
      'pawl(no-impure-process) 17',
      'pawl(no-impure-process) 18',
      'pawl(no-impure-process) 8',
      'pawl(no-impure-process) 9',
      'pawl(require-key-in-loop) 11',
    ]);
  });

  it('nothing is wrong with the processes of this repository', () => {
    const processes = join(ROOT, 'processes');
    const files = readdirSync(processes).filter((name) => /(?<!\.test|\.fixture)\.ts$/.test(name));
    expect(files.length).toBeGreaterThan(4);
    expect(lint(processes)).toEqual([]);
  });
});
