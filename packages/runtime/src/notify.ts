import { spawn } from 'node:child_process';
import process, { env } from 'node:process';
import { InvalidOptionError } from '@pawl/sdk';
import type { RunId } from './journal/ids.ts';
import type { TellOutside } from './engine/run-notices.ts';
import { RuntimeError } from './errors.ts';
import { openWaits, type OpenWait } from './views/open-waits.ts';

/** That a run waits for people. */
export interface WaitNotice extends OpenWait {
  readonly runId: RunId;
  readonly process: string;
}

/** A command line, the address of a webhook, or a function; it is told again where that rejects. */
export type Notify = string | ((notice: WaitNotice, signal: AbortSignal) => unknown);

const MOST_OUTPUT = 2000;

/** @throws InvalidOptionError */
export function resolveNotify(notify: Notify | undefined): TellOutside | undefined {
  if (notify === undefined) return undefined;
  const tell = tellerOf(notify);
  return async ({ runId, process: name, events }, signal) => {
    const [wait] = openWaits(events);
    if (wait !== undefined) await tell({ runId, process: name, ...wait }, signal);
  };
}

function tellerOf(notify: unknown): (notice: WaitNotice, signal: AbortSignal) => unknown {
  // What is no function of a notice is its caller's error, told as a failed notice.
  if (typeof notify === 'function') return notify as (notice: WaitNotice, signal: AbortSignal) => unknown;
  if (typeof notify !== 'string' || notify.trim() === '')
    throw new InvalidOptionError('notify', notify, 'a command, an http: or https: address, or a function');
  if (!/^https?:\/\//i.test(notify)) return (notice, signal) => run(notify, notice, signal);
  const address = addressOf(notify);
  return (notice, signal) => post(address, notice, signal);
}

function addressOf(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new InvalidOptionError('notify', text, 'an address such as https://example.com/hook');
  }
}

function textOf(notice: WaitNotice): string {
  const { since, dueAt, ...rest } = notice;
  return JSON.stringify({ version: 1, ...rest, since: timeOf(since), dueAt: timeOf(dueAt) });
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

async function post(address: URL, notice: WaitNotice, signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `${notice.runId} ${notice.key}` };
  const answer = await fetch(address, { method: 'POST', headers, body: textOf(notice), signal });
  await answer.body?.cancel();
  if (!answer.ok) throw failed(`the webhook answered ${answer.status}`);
}

/** Nothing of a question gets into the command line: it comes on stdin, and in the environment. */
function run(command: string, notice: WaitNotice, signal: AbortSignal): Promise<void> {
  const { runId, key, kind, name, prompt } = notice;
  const told = {
    PAWL_RUN: runId,
    PAWL_CALL: key,
    PAWL_KIND: kind,
    PAWL_NAME: name,
    PAWL_QUESTION: prompt ?? name,
  };
  return new Promise((resolve, reject) => {
    const child = spawn(command, {
      shell: true,
      // A group of its own: what the shell started ends with it.
      detached: true,
      env: { ...env, PAWL_SECRET_KEY: undefined, PAWL_SECRET_KEY_COMMAND: undefined, ...told },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const kill = (): void => killGroup(child.pid);
    signal.addEventListener('abort', kill, { once: true });
    let said = '';
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (said = (said + text).slice(0, MOST_OUTPUT)));
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', kill);
      if (code === 0) resolve();
      else reject(failed(`the command ended with exit code ${code ?? '?'}: ${said.trim()}`));
    });
    // One that does not read is told all the same.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${textOf(notice)}\n`);
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function failed(message: string): RuntimeError {
  return new RuntimeError('UNEXPECTED', message);
}
