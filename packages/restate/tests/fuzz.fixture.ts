import { setTimeout as delay } from 'node:timers/promises';
import type { Program } from '../../runtime/tests/simulation/program.ts';
import { RestateClient, type RestateRun } from '../src/client.ts';
import { register } from '../src/register.ts';
import { journalOf } from './journal.fixture.ts';
import { RestateServer } from './server.fixture.ts';
import { wrongIn } from './trial.fixture.ts';
import { Workers } from './worker.fixture.ts';

const PEOPLE_MS = 100;

export interface Tried {
  /** By the seed of the program. */
  readonly problems: ReadonlyMap<number, string>;
  /** Runs that went on in another program. */
  readonly moved: number;
}

/** A server and three workers, in which random programs are tried. */
export class FuzzLab {
  readonly server: RestateServer;
  readonly workers: Workers;
  readonly #client: RestateClient;

  constructor(server: RestateServer) {
    this.server = server;
    this.workers = new Workers(server.folder);
    this.#client = new RestateClient({ ingress: server.ingress });
  }

  static async open(program: string, settings?: Readonly<Record<string, string>>): Promise<FuzzLab> {
    const lab = new FuzzLab(await RestateServer.start(program, settings));
    // The first one chooses the port.
    await lab.workers.start();
    await Promise.all([lab.workers.start(), lab.workers.start()]);
    await register(lab.server.admin, `http://127.0.0.1:${lab.workers.port}`);
    return lab;
  }

  /** Runs them all at once while they are disturbed, and judges each. */
  async try(programs: readonly Program[], disturb: (lab: FuzzLab) => Promise<unknown>): Promise<Tried> {
    const runs = await Promise.all(
      programs.map(({ seed }) =>
        this.#client.start<{ seed: number }, unknown>('random', { seed }, { id: idOf(seed) }),
      ),
    );
    await disturb(this);
    const results = runs.map((run) => this.#ended(run));
    // They are judged one after the other, and may fail before that.
    for (const result of results) result.catch(() => undefined);
    const problems = new Map<number, string>();
    let moved = 0;
    for (const [i, program] of programs.entries()) {
      const result = results[i] ?? Promise.resolve();
      await result.catch(() => undefined);
      const own = this.workers.invocations.filter(({ runId }) => runId === idOf(program.seed));
      if (new Set(own.map(({ pid }) => pid)).size > 1) moved += 1;
      const journal = await journalOf(this.server, idOf(program.seed));
      const problem = await wrongIn(program, journal, result, own);
      if (problem !== undefined) problems.set(program.seed, problem);
    }
    return { problems, moved };
  }

  /** A person says of attempts whose end got lost that they are to be tried again. */
  async #ended(run: RestateRun): Promise<unknown> {
    const result = run.result();
    result.catch(() => undefined);
    for (;;) {
      const isOver = await Promise.race([
        result.then(
          () => true,
          () => true,
        ),
        delay(PEOPLE_MS, false),
      ]);
      if (isOver) return result;
      const waits = await run.waits().catch(() => []);
      for (const { kind, key } of waits)
        if (kind === 'outcome') await run.resolve(key, { status: 'retry' }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.workers.close();
    await this.server.close();
  }
}

function idOf(seed: number): string {
  return `seed-${seed}`;
}
