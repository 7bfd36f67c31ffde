import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Seen } from './random-process.fixture.ts';

const PROGRAM = fileURLToPath(new URL('worker-main.fixture.ts', import.meta.url));

/** Worker programs that share a port, and a file in which their tasks say that they were invoked. */
export class Workers {
  readonly #effects: string;
  readonly #children = new Set<ChildProcess>();
  port = 0;

  constructor(folder: string) {
    this.#effects = join(folder, 'effects');
    writeFileSync(this.#effects, '');
  }

  async start(): Promise<ChildProcess> {
    const child = spawn(execPath, ['--conditions=source', PROGRAM], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        PAWL_EFFECTS: this.#effects,
        PAWL_PORT: String(this.port),
        RESTATE_LOGGING: 'ERROR',
      },
    });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    // It may be killed before it listens.
    const [line] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[];
    const port = /listens on (\d+)/.exec(String(line))?.[1];
    if (port !== undefined) this.port = Number(port);
    return child;
  }

  /**
   * Kills, so many times, the one that invoked a task last, once so many more were invoked; each has a successor.
   * Ends earlier where nothing more is invoked for eight seconds. @returns how many were killed
   */
  async killBusy(times: number, every: number): Promise<number> {
    const started: Promise<unknown>[] = [];
    while (started.length < times) {
      const last = await this.#invoked(this.invocations.length + every);
      if (last === undefined) break;
      // Programs take long to start: others are there meanwhile.
      started.push(this.start());
      const child = [...this.#children].find(({ pid }) => pid === last.pid);
      child?.kill('SIGKILL');
    }
    await Promise.all(started);
    return started.length;
  }

  /**
   * Stops the one that invoked a task last, as a machine that hangs, until another one has gone on with a run of it;
   * then it goes on. Where nothing is left to go on with, the next one is stopped. @returns whether it came to that
   */
  async stopBusy(every: number): Promise<boolean> {
    for (;;) {
      const last = await this.#invoked(this.invocations.length + every);
      const child = [...this.#children].find(({ pid }) => pid === last?.pid);
      if (child === undefined) return false;
      child.kill('SIGSTOP');
      try {
        if (await this.#movedFrom(child.pid)) return true;
      } finally {
        child.kill('SIGCONT');
      }
    }
  }

  async #movedFrom(pid: number | undefined): Promise<boolean> {
    const before = this.invocations;
    const runs = new Set(before.filter((each) => each.pid === pid).map(({ runId }) => runId));
    // They share a port: the server may come to the one that hangs again, and waits some seconds for it each time.
    for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 10) {
      if (this.invocations.slice(before.length).some((each) => each.pid !== pid && runs.has(each.runId)))
        return true;
      await delay(10);
    }
    return false;
  }

  async #invoked(count: number): Promise<Seen | undefined> {
    for (let waitedMs = 0; waitedMs < 8000; waitedMs += 10) {
      const seen = this.invocations;
      if (seen.length >= count) return seen.at(-1);
      await delay(10);
    }
    return undefined;
  }

  /** What tasks were invoked, in the order in which they said so. */
  get invocations(): readonly Seen[] {
    const lines = readFileSync(this.#effects, 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as Seen);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}
