import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { expect, onTestFinished, vi } from 'vitest';

const PACKAGES = join(import.meta.dirname, '..', '..');
const PAWL_MCP = join(PACKAGES, 'mcp/bin/pawl-mcp.js');
/** What users get, where it was just built: it starts in a fraction of the time that the sources take. */
export const PAWL: string = join(
  PACKAGES,
  process.env['PAWL_BUILT'] === '1' ? 'cli/dist/bin.js' : 'cli/bin/pawl.js',
);
const ENV = {
  PATH: process.env['PATH'] ?? '',
  TZ: 'UTC',
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
  // The server calls the command line for each tool, by its way in.
  PAWL_BUILT: process.env['PAWL_BUILT'] ?? '',
};

/** What the command line prints. */
export function pawl(cwd: string, ...args: string[]): string {
  return pawlEnd(cwd, ...args).stdout;
}

export function pawlEnd(cwd: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [PAWL, ...args], { cwd, encoding: 'utf8', env: ENV });
}

/** As `npm install @pawl/mcp` does. */
export function install(cwd: string): void {
  symlinkSync(join(PACKAGES, 'mcp'), join(cwd, 'node_modules/@pawl/mcp'));
}

/** A folder as a user has it. */
export function folder(modules: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'pawl-mcp-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  mkdirSync(join(path, 'node_modules/@pawl'), { recursive: true });
  for (const name of ['sdk', 'runtime'])
    symlinkSync(join(PACKAGES, name), join(path, 'node_modules/@pawl', name));
  writeFileSync(join(path, 'package.json'), '{ "type": "module" }\n');
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(path, name), text);
  return path;
}

export interface Answer {
  readonly text: string;
  readonly isError: boolean;
  /** What stands between the marks, and undefined where it is no JSON. */
  readonly data: Record<string, unknown> | undefined;
}

/** A client of the official SDK, and the server in a program of its own. */
export function connect(cwd: string, ...args: string[]) {
  return connectBy(PAWL_MCP, cwd, ...args);
}

export async function connectBy(program: string, cwd: string, ...args: string[]) {
  const client = new Client({ name: 'test agent', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, ...args],
    cwd,
    env: ENV,
    stderr: 'pipe',
  });
  let stderr = '';
  transport.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
  await client.connect(transport);
  onTestFinished(() => client.close());
  const call = async (name: string, given: Record<string, unknown> = {}): Promise<Answer> => {
    const result = await client.callTool({ name, arguments: given }, { timeout: 80_000 });
    const text = result.content.map((part) => ('text' in part ? part.text : '')).join('\n');
    return { text, isError: result.isError === true, data: dataOf(text) };
  };
  const { pid } = transport;
  /** Resolves once the server is gone. */
  const ended = async (): Promise<void> => {
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000, interval: 50 });
  };
  return { client, call, stderr: () => stderr, ended };
}

function isAlive(pid: number | null): boolean {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
}

function dataOf(text: string): Answer['data'] {
  const [, framed = ''] = /<(?:journal-[0-9a-f]{16})>\n([\s\S]*?)\n<\/journal/.exec(text) ?? [];
  try {
    return JSON.parse(framed.split('\n')[0] ?? '') as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
