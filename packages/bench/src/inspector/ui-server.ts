/** `pawl ui` in a program of its own, as people have it open. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { execPath, env } from 'node:process';
import { fileURLToPath } from 'node:url';

import { BenchFailure } from '../failure.ts';

const PAWL = fileURLToPath(new URL('../../../cli/dist/bin.js', import.meta.url));
const LIMIT_MS = 60_000;

export class UiServer implements AsyncDisposable {
  readonly url: URL;
  readonly token: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: URL) {
    this.#child = child;
    this.url = url;
    this.token = url.searchParams.get('token') ?? '';
  }

  /** @param preload modules that its program loads before its own @throws BenchFailure */
  static async over(
    journal: string,
    preload: readonly string[] = [],
    more: NodeJS.ProcessEnv = {},
  ): Promise<UiServer> {
    const args = [...preload.map((module) => `--import=${module}`), PAWL, 'ui', '--no-open', '--port', '0'];
    const child = spawn(execPath, [...args, '--db', journal], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...env, ...more },
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const giveUp = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    while (!said.includes('Ctrl-C') && child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
    clearTimeout(giveUp);
    const address = /http:\S+/.exec(said)?.[0];
    if (address === undefined) throw new BenchFailure('PROGRAM', `pawl ui did not start:\n${said}`);
    return new UiServer(child, new URL(address));
  }

  path(path: string): string {
    return new URL(path, this.url).href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}
