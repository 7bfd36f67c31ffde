import { setTimeout as delay } from 'node:timers/promises';
import type { Program } from '../../runtime/tests/simulation/program.ts';
import { RuntimeError } from '@pawl/runtime/errors';
import { RestateClient } from '../src/client.ts';
import { register } from '../src/register.ts';
import { journalOf, type Asked } from './journal.fixture.ts';
import { People } from './people.fixture.ts';
import { RestateServer } from './server.fixture.ts';
import { wrongIn } from './trial.fixture.ts';
import { Workers } from './worker.fixture.ts';

const PEOPLE_MS = 200;

/** How soon a server sees that a worker hangs. */
export const KEEP_ALIVE = {
  RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_INTERVAL: '1s',
  RESTATE_WORKER__INVOKER__HTTP2_KEEP_ALIVE_TIMEOUT: '1s',
};

export interface Tried {
  /** By the seed of the program. */
  readonly problems: ReadonlyMap<number, string>;
  /** Runs that went on in another program. */
  readonly moved: number;
}

/** One server, or several that are one. */
export interface Served extends Asked {
  readonly folder: string;
  readonly ingress: string;
  readonly admin: string;
  close(): Promise<void>;
}

/** A server and three workers, in which random programs are tried. */
export class FuzzLab<Server extends Served = RestateServer> {
  readonly server: Server;
  readonly workers: Workers;

  constructor(server: Server) {
    this.server = server;
    this.workers = new Workers(server.folder);
  }

  static async open(program: string, settings?: Readonly<Record<string, string>>): Promise<FuzzLab> {
    return FuzzLab.over(await RestateServer.start(program, settings));
  }

  static async over<Server extends Served>(server: Server): Promise<FuzzLab<Server>> {
    const lab = new FuzzLab(server);
    // The first one chooses the port.
    await lab.workers.start();
    await Promise.all([lab.workers.start(), lab.workers.start()]);
    await register(lab.server.admin, `http://127.0.0.1:${lab.workers.port}`);
    return lab;
  }

  /** Of a server that is there now. */
  get client(): RestateClient {
    return new RestateClient({ ingress: this.server.ingress });
  }

  /** Runs them all at once while they are disturbed, and judges each. */
  async try(
    programs: readonly Program[],
    disturb: (lab: FuzzLab<Server>) => Promise<unknown>,
  ): Promise<Tried> {
    const runs = await Promise.all(
      programs.map(({ seed }) =>
        this.client.start<{ seed: number }, unknown>('random', { seed }, { id: idOf(seed) }),
      ),
    );
    const results = runs.map(({ id }) => this.#ended(id));
    // They are judged one after the other, and may fail before that.
    for (const result of results) result.catch(() => undefined);
    await disturb(this);
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

  /** As the run ends, whatever becomes of servers meanwhile; people do their part. */
  async #ended(id: string): Promise<unknown> {
    const people = new People(this.client.run('random', id));
    const over = new AbortController();
    const result = this.#result(id).finally(() => over.abort());
    result.catch(() => undefined);
    while (!over.signal.aborted) {
      await delay(PEOPLE_MS);
      await people.look();
    }
    return result;
  }

  async #result(id: string): Promise<unknown> {
    for (;;) {
      try {
        return await this.client.run('random', id).result();
      } catch (error) {
        // What a run ended with is an error of ours; of a server that is not there it is not.
        if (error instanceof RuntimeError) throw error;
        await delay(PEOPLE_MS);
      }
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
