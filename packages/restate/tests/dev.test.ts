import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { jsonSchemaOf } from '../../cli/src/json-schema/json-schema.ts';
import { printed } from '../../cli/tests/printed.fixture.ts';
import { serverProgram } from './server.fixture.ts';

const PAWL = join(import.meta.dirname, '../../cli/bin/pawl.js');
const ORDER = `
import { defineProcess } from '@pawl/sdk';
export const order = defineProcess({ name: 'order', run: (n: number, ctx) => ctx.receive('word').then((word) => [n, word]) });
`;

const folder = mkdtempSync(join(tmpdir(), 'pawl-dev-test-'));
mkdirSync(join(folder, 'node_modules/@pawl'), { recursive: true });
for (const name of ['sdk', 'restate'])
  symlinkSync(join(import.meta.dirname, '../..', name), join(folder, 'node_modules/@pawl', name));
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
writeFileSync(join(folder, 'order.ts'), ORDER);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Dev {
  readonly engine: string;
  readonly admin: string;
}

describe.skipIf(serverProgram() === undefined)('pawl dev', () => {
  const started: ChildProcess[] = [];
  afterEach(() => started.forEach((child) => child.kill('SIGKILL')));

  async function dev(
    ports: readonly number[],
    ...args: readonly string[]
  ): Promise<{ child: ChildProcess; told: Dev; temporary: string }> {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const [port, adminPort, workerPort] = ports;
    const given = ['--port', port, '--admin-port', adminPort, '--worker-port', workerPort].map(String);
    const child = spawn(execPath, [PAWL, 'dev', 'order.ts', '--json', ...given, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    });
    started.push(child);
    const [line] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
    const document = JSON.parse(line.toString()) as { dev: Dev };
    const validate = new Ajv2020({ strict: true }).compile(jsonSchemaOf('dev') as object);
    expect([validate(document), validate.errors]).toEqual([true, null]);
    return { child, told: document.dev, temporary };
  }

  const pawl = (engine: string, ...args: readonly string[]): ReturnType<typeof printed> =>
    printed(['--engine', engine, ...args], { cwd: folder, now: Date.now() });

  it('runs what it is given, ends with a signal, and keeps its data where it is told to', async () => {
    const data = join(folder, 'data');
    const ports = await freePorts();
    const first = await dev(ports, '--data', data);
    const { engine } = first.told;
    expect((await pawl(engine, 'run', 'order', '--id', 'o-1', '-i', '7')).err).toContain(
      `--engine '${engine}'`,
    );
    expect(await endedBy(first.child, 'SIGTERM')).toBe(143);
    expect(await isGone(first.told)).toBe(true);

    const second = await dev(ports, '--data', data);
    expect(await pawl(second.told.engine, 'send', 'o-1', 'word', '"on"')).toMatchObject({ code: 0, err: '' });
    let ended = await pawl(second.told.engine, 'resume', 'o-1');
    // It waits until the worker, which has just begun, has given it its message.
    for (const since = Date.now(); ended.code === 13 && Date.now() - since < 20_000;)
      ended = await pawl(second.told.engine, 'resume', 'o-1');
    expect(ended).toMatchObject({ code: 0 });
    expect(JSON.parse(ended.out)).toEqual([7, 'on']);
    expect(readdirSync(second.temporary)).toEqual([]);
    await endedBy(second.child, 'SIGINT');
    expect(existsSync(data)).toBe(true);
  });

  it('leaves nothing behind when it is killed, nor when its server is', async () => {
    const killed = await dev(await freePorts());
    expect(readdirSync(killed.temporary)).toHaveLength(1);
    killed.child.kill('SIGKILL');
    for (const since = Date.now(); readdirSync(killed.temporary).length > 0 && Date.now() - since < 20_000;)
      await delay(20);
    expect([await isGone(killed.told), readdirSync(killed.temporary)]).toEqual([true, []]);

    const other = await dev(await freePorts());
    const [pid] = (await serverOf(other.temporary)) as [number];
    const ended = once(other.child, 'exit');
    process.kill(pid, 'SIGKILL');
    expect(await ended).toEqual([10, null]);
    expect(readdirSync(other.temporary)).toEqual([]);
  });
});

async function endedBy(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const ended = once(child, 'exit');
  child.kill(signal);
  return ((await ended) as unknown[])[0];
}

async function isGone({ admin }: Dev): Promise<boolean> {
  return await fetch(`${admin}/health`).then(
    () => false,
    () => true,
  );
}

async function freePorts(): Promise<readonly number[]> {
  const probes = [createServer(), createServer(), createServer()];
  for (const probe of probes) await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  for (const probe of probes) await new Promise((resolve) => probe.close(resolve));
  return ports;
}

/** Its process id, by the folder that it was given. */
async function serverOf(temporary: string): Promise<readonly number[]> {
  const [name = ''] = readdirSync(temporary);
  const { execFileSync } = await import('node:child_process');
  const listed = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  const lines = listed.split('\n').filter((line) => line.includes(`--base-dir ${join(temporary, name)}`));
  return lines.map((line) => Number.parseInt(line, 10));
}
