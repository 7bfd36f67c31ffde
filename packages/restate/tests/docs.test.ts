import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RestateServer, serverProgram } from './server.fixture.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PAWL = join(ROOT, 'packages/cli/bin/pawl.js');
const page = readFileSync(join(ROOT, 'docs/scale-out.md'), 'utf8');
const program = serverProgram();
const folder = mkdtempSync(join(tmpdir(), 'pawl-scale-out-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(program === undefined)('docs/scale-out.md', () => {
  let server: RestateServer;

  beforeAll(async () => {
    server = await RestateServer.start(String(program));
    mkdirSync(join(folder, 'node_modules/@pawl'), { recursive: true });
    for (const name of ['sdk', 'runtime', 'restate'])
      symlinkSync(join(ROOT, 'packages', name), join(folder, 'node_modules/@pawl', name));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });
  afterAll(() => server.close());

  it('does what it says', async () => {
    const code = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text).join('\n');
    const here = code
      .replaceAll('http://127.0.0.1:9070', server.admin)
      .replaceAll('http://127.0.0.1:8080', server.ingress)
      .replaceAll(/port: 908\d/g, 'port: 0');
    const ending =
      'process.stdout.write(`${id}, ${pages}`);\nfor (const each of [worker, painter, driver]) await each.close();\n';
    writeFileSync(join(folder, 'page.ts'), `${here}\n${ending}`);
    const { stdout } = await promisify(execFile)(execPath, ['--conditions=source', join(folder, 'page.ts')], {
      env: { ...process.env, RESTATE_LOGGING: 'ERROR' },
    });
    expect(stdout).toBe('ch_900, page 1,page 2,page 3');
  });

  it('does at the command line what it says', async () => {
    const [worker = ''] = page.match(/(?<=```ts\n)[\s\S]*?(?=```)/g) ?? [];
    const here = worker.replace('http://127.0.0.1:9070', server.admin).replace('port: 9080', 'port: 0');
    writeFileSync(join(folder, 'worker.ts'), `${here}\nconsole.log('listens', worker.port);\n`);
    const child = spawn(execPath, ['--conditions=source', join(folder, 'worker.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, RESTATE_LOGGING: 'ERROR' },
    });
    try {
      await once(child.stdout, 'data');
      const [, commands = ''] = /```sh\n(export PAWL_ENGINE[\s\S]*?)```/.exec(page) ?? [];
      const engine = `'restate://${new URL(server.ingress).host}?admin=${new URL(server.admin).host}'`;
      const typed = commands.replace('restate://127.0.0.1:8080', engine);
      const pawl = `pawl() { '${execPath}' '${PAWL}' "$@"; }`;
      const { stdout } = await promisify(execFile)('/bin/sh', ['-c', `${pawl}\n${typed}`], { cwd: folder });
      expect(stdout).toMatch(/waiting[^]*Charge 900\?[^]*approved by[^]*\nch_900\n[^]*charge[^]*ch_900/);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
