/**
 * Long mixed work: programs drive runs of all kinds on one journal, one of them for all the time, while others are killed
 * or stopped past their lease; journals are pruned and copied meanwhile. What is right stays right, and nothing grows.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

import { openJournal, openRuntime, type Recorded, type RunRecord, type Runtime } from '@pawl/runtime';
import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { wordsOf } from '../survey.ts';
import { SOURCES } from '../pawl.ts';
import { growthOf, trendOf, type Health } from './health.ts';
import { expectedOf, messagesOf, mixed, type Given, type Mix, type Start } from './mixed.ts';

const ROUND_MS = 30_000;
const OPEN_RUNS = 24;
const LOOK_MS = 200;
/** A lease is 2 s, and the machine has other work: who is orphaned goes on within so long. */
const MOST_RECOVERY_MS = 20_000;
const MOST_LOG_BYTES = 64 * 1024 * 1024;
const MOST_TRIES = 20;
const MIB = 1024 * 1024;

export const chaos: Part = {
  name: 'chaos',
  what: 'half a minute each of mixed runs in three programs: one is killed, one stopped past its lease, one lives on and must not grow',
  rounds: { ci: 5, night: 120 },
  share: 1 / 5,
  budgetSeconds: { ci: 240, night: 4200 },
  // What is judged at its end is of no round, and no round can be made alone.
  isAnyRoundThere: true,
  floors: { 'runs that came to the right end': 20, kills: 1, stops: 0.9, 'sound copies': 0.9 },
  run: async (context) => {
    using scene = new Scene(context);
    await scene.play();
  },
};

/** A worker of the chaos, and how it said it was. */
class Worker {
  readonly #child: ChildProcess;
  readonly looks: Health[] = [];
  readonly ended: Promise<void>;

  constructor(path: string, ledger: string) {
    const main = join(import.meta.dirname, 'chaos-main.ts');
    this.#child = spawn(execPath, ['--expose-gc', ...SOURCES, main, path, ledger], {
      env: { PATH: env['PATH'], NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.ended = new Promise((done) => this.#child.once('exit', () => done()));
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.looks.push(JSON.parse(line) as Health);
      });
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

interface Open {
  readonly mix: Mix;
  readonly isCancelled: boolean;
}

/**
 * Owns the programs, and what is known of runs that are open. Talks to the journal as one that starts and answers.
 */
class Scene implements Disposable {
  readonly #context: PartContext;
  readonly #random: () => number;
  readonly #folder = new Folder('chaos');
  readonly #path: string;
  readonly #ledger: string;
  readonly #steady: Worker;
  #victim: Worker;
  readonly #stopped: Worker;
  readonly #open = new Map<string, Open>();
  readonly #recoveries: number[] = [];
  #made = 0;
  #round = 0;
  #logBytes = 0;

  constructor(context: PartContext) {
    this.#context = context;
    this.#random = seededEntropy(context.seed).random;
    const place = this.#folder.fresh();
    this.#path = join(place, 'journal.db');
    this.#ledger = join(place, 'ledger');
    writeFileSync(this.#ledger, '');
    this.#steady = this.#worker();
    this.#victim = this.#worker();
    this.#stopped = this.#worker();
  }

  #worker(): Worker {
    return new Worker(this.#path, this.#ledger);
  }

  [Symbol.dispose](): void {
    for (const each of [this.#steady, this.#victim, this.#stopped]) each.signal('SIGKILL');
    this.#folder[Symbol.dispose]();
  }

  async play(): Promise<void> {
    const { rounds, figures } = this.#context;
    const runtime = await openRuntime({ path: this.#path, processes: [mixed] });
    try {
      const play = async (): Promise<void> => {
        for (; this.#round < rounds; this.#round += 1) await this.#playRound(runtime);
      };
      await Promise.all([this.#keepBusy(runtime), play()]);
      await this.#finish(runtime);
      this.#judgeStarts(runtime);
    } finally {
      await runtime.close();
    }
    this.#judgeHealth();
    count(figures, 'MiB of the log at most', Math.ceil(this.#logBytes / MIB));
    if (this.#logBytes > MOST_LOG_BYTES) this.#violated(`the log grew to ${this.#logBytes} bytes`);
  }

  /** Runs are started, answered and judged, whatever happens to who drives them, until all rounds were played. */
  async #keepBusy(runtime: Runtime): Promise<void> {
    while (this.#round < this.#context.rounds) {
      while (this.#open.size < OPEN_RUNS) await this.#start(runtime);
      await this.#look(runtime);
      await delay(LOOK_MS);
    }
  }

  async #start(runtime: Runtime): Promise<void> {
    this.#made += 1;
    const id = `run-${this.#made}`;
    const mix: Mix = {
      seed: this.#context.seed * 1_000_003 + this.#made,
      legs: 3 + Math.floor(this.#random() * 6),
    };
    this.#open.set(id, { mix, isCancelled: this.#random() < 0.03 });
    await this.#patiently(() => runtime.enqueue(mixed, mix, { id }));
    for (const { name, payload } of messagesOf(mix))
      await this.#patiently(() => runtime.send(id, name, payload, { id: name }));
  }

  /** One that is stopped in the midst of a commit has the lock, until it goes on. */
  async #patiently<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'BUSY' && tries < MOST_TRIES))
          throw error;
        count(this.#context.figures, 'writes that had to wait for one that was stopped in a commit');
        await delay(LOOK_MS);
      }
    }
  }

  async #look(runtime: Runtime): Promise<void> {
    for (const [id, open] of this.#open) {
      const record = runtime.get(id);
      if (record === undefined) continue;
      if (record.status !== 'running') this.#judge(runtime, record, open);
      else if (open.isCancelled) await this.#patiently(async () => runtime.cancel(id));
      else if (record.asked.length > 0) await this.#answer(runtime, id);
    }
    this.#logBytes = Math.max(
      this.#logBytes,
      statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
    );
  }

  async #answer(runtime: Runtime, id: string): Promise<void> {
    for (const { kind, key } of runtime.waits(id))
      if (kind === 'breakpoint')
        await this.#patiently(() => runtime.respond(id, key, { approved: true, by: 'ada' }));
  }

  #judge({ store }: Runtime, { runId, status }: RunRecord, { mix, isCancelled }: Open): void {
    const { figures } = this.#context;
    this.#open.delete(runId);
    if (isCancelled && status === 'cancelled') {
      count(figures, 'runs that were given up');
      return;
    }
    const end = store.read(runId, 0, 100_000).at(-1)?.event;
    const expected = JSON.stringify(expectedOf(mix));
    if (end?.type === 'RunSucceeded' && JSON.stringify(end.output) === expected) {
      count(figures, 'runs that came to the right end');
      return;
    }
    this.#violated(`run ${runId} ended ${status}, with ${JSON.stringify(end)}, not with ${expected}`);
  }

  #violated(what: string): void {
    this.#context.violated(this.#round, what);
  }

  async #playRound(runtime: Runtime): Promise<void> {
    const { figures } = this.#context;
    const until = performance.now() + ROUND_MS;
    await delay(this.#random() * 8000);
    await this.#kill(runtime);
    await delay(this.#random() * 4000);
    this.#stopped.signal('SIGSTOP');
    count(figures, 'stops');
    await delay(500 + this.#random() * 5000);
    this.#stopped.signal('SIGCONT');
    this.#copy();
    const pruned = await this.#patiently(() => runtime.copies.prune({ olderThan: '2m' }));
    count(figures, 'runs that were pruned', pruned.runs);
    if (!this.#steady.isAlive) this.#violated('the program that lives on has ended');
    if (!this.#stopped.isAlive) this.#violated('the program that was stopped has ended');
    await delay(Math.max(0, until - performance.now()));
  }

  /** Another one takes its place at once; what it drove goes on in whichever. */
  async #kill(runtime: Runtime): Promise<void> {
    this.#victim.signal('SIGKILL');
    await this.#victim.ended;
    count(this.#context.figures, 'kills');
    const from = performance.now();
    this.#victim = this.#worker();
    const orphans = (): readonly RunRecord[] =>
      runtime
        .list({ limit: 1000, statuses: ['running'] })
        .filter(({ owner, ownerAlive }) => owner !== null && !ownerAlive);
    while (orphans().length > 0) {
      if (performance.now() - from > MOST_RECOVERY_MS) {
        this.#violated(
          `after ${MOST_RECOVERY_MS} ms nobody has taken over ${orphans()
            .map(({ runId }) => runId)
            .join(' ')}`,
        );
        break;
      }
      await delay(20);
    }
    this.#recoveries.push(performance.now() - from);
  }

  #copy(): void {
    const copy = join(this.#folder.fresh(), 'copy.db');
    try {
      using journal = openJournal({ path: this.#path });
      journal.backup(copy);
      using copied = openJournal({ path: copy });
      const { damage } = copied.verify();
      if (damage.length > 0) this.#violated(`a copy is damaged: ${JSON.stringify(damage[0])}`);
      else count(this.#context.figures, 'sound copies');
      copied.close();
      rmSync(copy);
    } catch (error) {
      this.#violated(`a copy cannot be made or opened: ${wordsOf(error)}`);
    }
  }

  /** All runs come to their end, with nobody in their way. */
  async #finish(runtime: Runtime): Promise<void> {
    const until = performance.now() + 60_000;
    while (this.#open.size > 0 && performance.now() < until) {
      await this.#look(runtime);
      await delay(LOOK_MS);
    }
    for (const id of this.#open.keys())
      this.#violated(`run ${id} does not end: ${JSON.stringify(runtime.get(id))}`);
    const { damage } = runtime.store.verify();
    if (damage.length > 0) this.#violated(`verify finds ${JSON.stringify(damage.slice(0, 3))}`);
  }

  /** No task starts once its end is recorded, but the one that may slip where a program was stopped (law 10). */
  #judgeStarts(runtime: Runtime): void {
    const starts = new Map<string, string[]>();
    for (const line of readFileSync(this.#ledger, 'utf8').split('\n').slice(0, -1)) {
      const { run, key, nonce } = JSON.parse(line) as Start;
      const call = `${run} ${key}`;
      starts.set(call, [...(starts.get(call) ?? []), nonce]);
    }
    let slips = 0;
    for (const { runId } of runtime.list({ limit: 100_000 }))
      for (const { key, nonce } of givenIn(runtime.store.read(runId, 0, 100_000))) {
        const nonces = starts.get(`${runId} ${key}`) ?? [];
        if (!nonces.includes(nonce)) this.#violated(`${runId} ${key} gave what no start of it made`);
        slips += nonces.length - 1 - nonces.lastIndexOf(nonce);
      }
    const { figures } = this.#context;
    count(
      figures,
      'starts of tasks',
      [...starts.values()].reduce((sum, nonces) => sum + nonces.length, 0),
    );
    count(figures, 'starts that slipped past a stop', slips);
    const stops = figures.get('stops') ?? 0;
    if (slips > stops)
      this.#violated(`${slips} tasks were started again after their end was recorded, with ${stops} stops`);
  }

  #judgeHealth(): void {
    const { looks } = this.#steady;
    const { figures } = this.#context;
    for (const what of growthOf(looks)) this.#violated(`the program that lived on: ${what}`);
    const [rss, heap] = [trendOf(looks, 'rss'), trendOf(looks, 'heapUsed')];
    count(figures, 'looks at the program that lived on', looks.length);
    if (rss !== undefined && heap !== undefined) {
      count(figures, 'MiB of it early', Math.round(rss.early / MIB));
      count(figures, 'MiB of it late', Math.round(rss.late / MIB));
      count(figures, 'KiB of its heap early', Math.round(heap.early / 1024));
      count(figures, 'KiB of its heap late', Math.round(heap.late / 1024));
    }
    const sorted = this.#recoveries.toSorted((a, b) => a - b);
    count(figures, 'ms until orphans go on (median)', Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0));
    count(figures, 'ms until orphans go on (longest)', Math.round(sorted.at(-1) ?? 0));
  }
}

function givenIn(events: readonly Recorded[]): readonly { readonly key: string; readonly nonce: string }[] {
  return events.flatMap(({ event }) =>
    event.type === 'TaskSucceeded'
      ? [{ key: event.key, nonce: (event.output as unknown as Given).nonce }]
      : [],
  );
}
