import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openJournal, RuntimeError } from '@pawl/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const NAMES = ['sdk', 'runtime', 'inspector', 'create-pawl', 'cli'];

/** The tarballs of these: as the check of the packages has just made them, else made now. */
function packedInto(folder: string): string[] {
  const made = process.env['PAWL_TARBALLS'];
  if (made === undefined) {
    build();
    for (const name of NAMES) {
      execFileSync('npx', ['-y', 'pnpm@12.21.0', 'pack', '--pack-destination', folder], {
        cwd: join(ROOT, 'packages', name),
        stdio: 'pipe',
      });
    }
  }
  const from = made ?? folder;
  return readdirSync(from)
    .filter((name) => NAMES.some((each) => new RegExp(`^(pawl-)?${each}-\\d.*\\.tgz$`).test(name)))
    .map((name) => join(from, name));
}

function build(): void {
  // Others may be using it.
  if (process.env['PAWL_BUILT'] === '1') return;
  execFileSync(process.execPath, ['tooling/build.ts'], {
    cwd: ROOT,
    env: { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` },
  });
}

/** Whether its newest run waits for a timer. Asked in this process: another takes longer to start than that may sleep. */
function isAsleep(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    using reader = openJournal({ path });
    const [run] = reader.list({ limit: 1 });
    return run !== undefined && reader.events(run.runId).some(({ event }) => event.type === 'TimerStarted');
  } catch (error) {
    // It is just being made.
    if (error instanceof RuntimeError) return false;
    throw error;
  }
}

/** What a user gets from the registry: the packed tarballs, installed with plain npm in an empty folder. */
describe('the packed packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-packed-'));
  const home = join(folder, 'home');
  const project = join(folder, 'project');
  const env = {
    ...process.env,
    HOME: home,
    PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}`,
    NODE_OPTIONS: '',
  };

  beforeAll(() => {
    for (const path of [home, project]) mkdirSync(path);
    const tarballs = packedInto(folder);
    writeFileSync(join(project, 'package.json'), '{"private":true}\n');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs], {
      cwd: project,
      env,
      stdio: 'pipe',
    });
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('run a process from TypeScript without a warning', () => {
    writeFileSync(
      join(project, 'hello.ts'),
      `import { defineTask, type Context } from '@pawl/sdk';
const greet = defineTask({ name: 'greet', run: async (name: string) => 'Hello, ' + name });
export async function process(inputs: { name: string }, ctx: Context) { return ctx.task(greet, inputs.name); }
`,
    );
    const result = spawnSync(
      join(project, 'node_modules/.bin/pawl'),
      ['run', 'hello.ts', '--input', '{"name":"x"}'],
      { cwd: project, env, encoding: 'utf8' },
    );
    expect(result.stderr).not.toMatch(/warning/i);
    expect(result.stdout).toContain('Hello, x');
    expect(result.status).toBe(0);
  }, 60_000);

  it('show the journal on a page that was packed with them', async () => {
    const bin = join(project, 'node_modules/.bin/pawl');
    const ui = spawn(bin, ['ui', '--port', '0', '--json'], { cwd: project, env });
    try {
      const text = await new Promise<string>((resolve) =>
        ui.stdout.once('data', (data) => resolve(String(data))),
      );
      const { ui: told } = JSON.parse(text) as { readonly ui: { readonly url: string } };
      const { origin, searchParams } = new URL(told.url);
      const headers = { authorization: `Bearer ${searchParams.get('token') ?? ''}` };
      const page = await (await fetch(origin, { headers })).text();
      const [, script = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(page) ?? [];
      expect((await fetch(origin + script, { headers })).status).toBe(200);
      const runs = await (await fetch(`${origin}/api/runs`, { headers })).json();
      expect(runs).toMatchObject({ runs: [{ process: 'hello', status: 'succeeded' }] });
    } finally {
      ui.kill();
    }
  }, 60_000);

  it('can be embedded', () => {
    writeFileSync(
      join(project, 'embed.mjs'),
      `import { defineTask } from '@pawl/sdk';
import { openRuntime } from '@pawl/runtime';
import { MemoryStore } from '@pawl/runtime/testing';
const inc = defineTask({ name: 'inc', run: (n) => n + 1 });
await using runtime = await openRuntime({ store: new MemoryStore() });
console.log(await runtime.start(async (n, ctx) => ctx.task(inc, n), 41).result());
`,
    );
    const result = spawnSync(process.execPath, ['embed.mjs'], { cwd: project, env, encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.stdout).toBe('42\n');
  }, 60_000);

  it('hold the documentation, and a map of it whose links lead somewhere', () => {
    for (const name of ['sdk', 'runtime', 'cli']) {
      const dist = join(project, 'node_modules/@pawl', name, 'dist');
      const links = [...readFileSync(join(dist, 'llms.txt'), 'utf8').matchAll(/\]\(([^)]+)\)/g)];
      expect(links.length).toBeGreaterThan(10);
      for (const [, target = ''] of links)
        expect(existsSync(join(dist, target)), `${name}: ${target}`).toBe(true);
    }
    const page = spawnSync(join(project, 'node_modules/.bin/pawl'), ['docs', 'sql'], {
      cwd: project,
      env,
      encoding: 'utf8',
    });
    expect(page.stdout).toContain('# Asking a journal by SQL');
  });

  it.each(['ts', 'js'])(
    'make a project whose scripts work, in %s',
    async (language) => {
      const app = join(project, `app-${language}`);
      const make = (): ReturnType<typeof spawnSync> =>
        spawnSync(
          process.execPath,
          [
            join(project, 'node_modules/create-pawl/bin/create-pawl.js'),
            app,
            '--yes',
            ...(language === 'js' ? ['--js'] : []),
          ],
          { cwd: project, env, encoding: 'utf8' },
        );
      expect(make()).toMatchObject({ status: 0, stderr: '' });
      const before = readFileSync(join(app, 'package.json'), 'utf8');
      expect(make()).toMatchObject({ status: 2, stderr: expect.stringContaining('written over') });
      expect(readFileSync(join(app, 'package.json'), 'utf8')).toBe(before);
      // What npm install would bring.
      symlinkSync(join(project, 'node_modules'), join(app, 'node_modules'));
      const npm = (script: string): ReturnType<typeof spawnSync> =>
        spawnSync('npm', ['run', '--silent', script], { cwd: app, env, encoding: 'utf8' });
      const tested = npm('test');
      expect(tested, `${String(tested.stdout)}${String(tested.stderr)}`).toMatchObject({ status: 0 });

      if (language === 'ts') return;
      // Killed while it sleeps, and gone on with.
      const started = spawn('npm', ['run', '--silent', 'start'], {
        cwd: app,
        env,
        detached: true,
        stdio: 'ignore',
      });
      while (!isAsleep(join(app, '.pawl/journal.db')))
        await new Promise((resolve) => setTimeout(resolve, 20));
      const ended = once(started, 'exit');
      process.kill(-Number(started.pid), 'SIGKILL');
      await ended;
      expect(npm('resume')).toMatchObject({ status: 0, stdout: expect.stringMatching(/✓ +order/) });
      expect(npm('show')).toMatchObject({ status: 0, stdout: expect.stringContaining('lamp from shelf 7') });
    },
    120_000,
  );
});
