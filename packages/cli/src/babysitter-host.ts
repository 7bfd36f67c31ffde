/** What processes that were written for Babysitter find on this machine. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, extname, join } from 'node:path';

import { RuntimeError } from '@pawl/runtime';
import type { BabysitterHost, BabysitterProcess, HookResult, HookRun } from '@pawl/sdk/babysitter';

import type { Aliases } from './alias.ts';
import { findModule, type ModuleFile } from './module-file.ts';

type ImportModule = (file: ModuleFile, cwd: string) => Promise<Readonly<Record<string, unknown>>>;

/** How a hook is run, by the ending of its name. */
const PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['.sh', 'bash'],
  ['.bash', 'bash'],
  ['.js', process.execPath],
  ['.ts', process.execPath],
  ['.py', 'python3'],
]);
/** Of what a hook printed to stderr. */
const MAX_ERROR = 2000;
const KILL_AFTER_MS = 2000;

export function babysitterHost(cwd: string, aliases: Aliases, importModule: ImportModule): BabysitterHost {
  return {
    openFolder: (runId) => {
      const folder = join(cwd, '.pawl', 'runs', runId);
      mkdirSync(join(folder, 'artifacts'), { recursive: true });
      return folder;
    },
    callHook: (type, payload, options) => callHooks(hooksOf(type, cwd), type, payload, { ...options, cwd }),
    loadProcess: async (path, exported) => {
      const file = findModule(path, cwd, aliases);
      return processOf(await importModule(file, cwd), file, exported);
    },
  };
}

function processOf(
  module: Readonly<Record<string, unknown>>,
  file: ModuleFile,
  exported: string | undefined,
): BabysitterProcess {
  const found = exported === undefined ? (module['process'] ?? module['default']) : module[exported];
  if (typeof found === 'function') return found as BabysitterProcess;
  throw new RuntimeError('REFUSED', `${file.given} exports no process '${exported ?? 'process'}'.`, {
    hint: 'ctx.subprocess({ processPath, exportName }) takes the name of an exported function',
  });
}

interface Hook {
  readonly path: string;
  readonly program: string;
  readonly location: HookRun['hookLocation'];
}

/** Those of the project, then those of the user; in each folder by name. */
function hooksOf(type: string, cwd: string): readonly Hook[] {
  const folders = [
    { folder: join(cwd, '.a5c', 'hooks', type), location: 'per-repo' },
    { folder: join(homedir(), '.a5c', 'hooks', type), location: 'per-user' },
  ] as const;
  return folders.flatMap(({ folder, location }) =>
    filesIn(folder).flatMap((name) => {
      const program = PROGRAMS.get(extname(name));
      return program === undefined ? [] : [{ path: join(folder, name), program, location }];
    }),
  );
}

function filesIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])).toSorted();
  } catch {
    return [];
  }
}

interface CallOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly cwd: string;
}

async function callHooks(
  hooks: readonly Hook[],
  type: string,
  payload: unknown,
  options: CallOptions,
): Promise<HookResult> {
  const executedHooks: HookRun[] = [];
  for (const hook of hooks) executedHooks.push(await callHook(hook, payload, options));
  const failed = executedHooks.filter(({ status }) => status === 'failed');
  return {
    hookType: type,
    success: failed.length === 0,
    ...(failed.length === 0
      ? {}
      : { error: failed.map(({ hookName, error = '' }) => `${hookName}: ${error}`).join('; ') }),
    executedHooks,
  };
}

async function callHook(
  { path, program, location }: Hook,
  payload: unknown,
  options: CallOptions,
): Promise<HookRun> {
  const { timeoutMs, signal, cwd } = options;
  const facts = { hookPath: path, hookName: basename(path), hookLocation: location };
  const child = spawn(program, [path], {
    cwd,
    stdio: ['pipe', 'ignore', 'pipe'],
    signal,
    timeout: timeoutMs,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-MAX_ERROR)));
  // One that does not read what it gets is no failure.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(payload));
  const force = setTimeout(() => child.kill('SIGKILL'), timeoutMs + KILL_AFTER_MS);
  try {
    const ended = await new Promise<{ readonly code: number | null; readonly by: string | null }>(
      (resolve, reject) => {
        child.on('error', reject).on('close', (code, by) => resolve({ code, by }));
      },
    );
    if (ended.code === 0) return { ...facts, status: 'success', exitCode: 0 };
    const how = ended.by === null ? `exit code ${ended.code}` : `ended by ${ended.by}`;
    const error = stderr.trim() === '' ? how : `${stderr.trim()} (${how})`;
    return { ...facts, status: 'failed', ...(ended.code === null ? {} : { exitCode: ended.code }), error };
  } catch (error) {
    signal.throwIfAborted();
    return { ...facts, status: 'failed', error: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(force);
  }
}
