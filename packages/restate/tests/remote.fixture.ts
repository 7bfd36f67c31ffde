import { defineProcess, defineTask, type Context, type TaskContext } from '@pawl/sdk';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath, pid } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { RestateServer } from './server.fixture.ts';

const PROGRAM = fileURLToPath(new URL('remote-main.fixture.ts', import.meta.url));

/** What a task says of itself, in a file that all programs share. */
export interface Told {
  readonly id: string;
  readonly said: 'begins' | 'ends' | 'is aborted';
  readonly pid: number;
  readonly attempt: number;
}

interface Effort {
  readonly id: string;
  readonly ms: number;
  /** Does not listen to its signal. */
  readonly isDeaf?: boolean;
}

/** Tasks and processes that workers and their tests know; what tasks do is told in that file. */
export function remoteWorld(file: string) {
  const tell = (id: string, said: Told['said'], { attempt }: TaskContext): void =>
    appendFileSync(file, `${JSON.stringify({ id, said, pid, attempt } satisfies Told)}\n`);
  const labour = async ({ id, ms, isDeaf = false }: Effort, task: TaskContext): Promise<string> => {
    tell(id, 'begins', task);
    try {
      await delay(ms, undefined, isDeaf ? {} : { signal: task.signal });
    } catch (error) {
      tell(id, 'is aborted', task);
      throw error;
    }
    tell(id, 'ends', task);
    return `${id} by ${pid}`;
  };
  const work = defineTask({ name: 'work', remote: true, run: labour });
  const asking = defineTask({ name: 'asking', remote: true, onUnknown: 'ask', run: labour });
  const pooled = defineTask({ name: 'pooled', remote: true, pool: 'gpu', timeout: 1000, run: labour });
  const own = defineTask({ name: 'own', run: labour });
  const one = <T extends typeof work>(name: string, task: T) =>
    defineProcess({ name, run: (effort: Effort, ctx: Context) => ctx.task(task, effort) });
  return {
    tasks: { work, asking, pooled, own },
    processes: [
      one('one', work),
      one('ask', asking),
      one('queue', pooled),
      defineProcess({
        name: 'two',
        run: ({ id }: { id: string }, ctx: Context) =>
          ctx.parallel.all([
            () => ctx.task(work, { id: `${id} there`, ms: 400 }),
            () => ctx.task(own, { id: `${id} here`, ms: 10 }),
          ]),
      }),
    ],
  };
}

/** Programs that do tasks, or drive runs, and what their tasks told. */
export class RemotePrograms {
  readonly file: string;
  readonly #server: RestateServer;
  readonly #children = new Set<ChildProcess>();
  readonly #ports = new Map<string, number>();
  readonly #roles = new Map<ChildProcess, string>();

  constructor(server: RestateServer) {
    this.#server = server;
    this.file = join(server.folder, 'told');
    appendFileSync(this.file, '');
  }

  /** Programs of one role share a port. */
  async start(role: 'driver' | 'tasks'): Promise<ChildProcess> {
    const child = spawn(execPath, ['--conditions=source', PROGRAM], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        PAWL_ROLE: role,
        PAWL_FILE: this.file,
        PAWL_PORT: String(this.#ports.get(role) ?? 0),
        PAWL_ADMIN: this.#server.admin,
        PAWL_INGRESS: this.#server.ingress,
        RESTATE_LOGGING: 'ERROR',
      },
    });
    this.#children.add(child);
    this.#roles.set(child, role);
    const [line] = (await once(child.stdout, 'data')) as unknown[];
    this.#ports.set(role, Number(/listens on (\d+)/.exec(String(line))?.[1]));
    return child;
  }

  /** Of one attempt, or all, in the order in which it was told. */
  told(id?: string): readonly Told[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, 'utf8').split('\n').slice(0, -1);
    const all = lines.map((line) => JSON.parse(line) as Told);
    return id === undefined ? all : all.filter((each) => each.id === id);
  }

  async until(id: string, said: Told['said'], times = 1): Promise<Told> {
    for (;;) {
      const [last] = this.told(id)
        .filter((each) => each.said === said)
        .slice(times - 1);
      if (last !== undefined) return last;
      await delay(10);
    }
  }

  /** Those of that role that are there. */
  all(role: 'driver' | 'tasks'): readonly ChildProcess[] {
    return [...this.#children].filter(
      (child) => this.#roles.get(child) === role && child.signalCode === null,
    );
  }

  kill(whose: number | undefined, signal: NodeJS.Signals = 'SIGKILL'): void {
    [...this.#children].find((child) => child.pid === whose)?.kill(signal);
  }

  async close(): Promise<void> {
    await Promise.all(
      [...this.#children].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}

/** How many were at work at once, at most. */
export function mostAtOnce(told: readonly Told[]): number {
  let now = 0;
  let most = 0;
  for (const { said } of told) {
    now += said === 'begins' ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}
