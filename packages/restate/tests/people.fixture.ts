import type { OpenTask, OpenWait } from '@pawl/runtime';
import { decode } from '@pawl/runtime/elsewhere';
import type { ExternalArgs } from '../../runtime/tests/simulation/interpret.ts';
import type { PersonsAnswer } from '../../runtime/tests/simulation/program.ts';
import type { RestateRun } from '../src/client.ts';

/** Whoever is outside of a random program's run, and does what the program says of them: what they were asked holds it. */
export class People {
  readonly #run: RestateRun;
  /** By what and how often. */
  readonly #done = new Set<string>();

  constructor(run: RestateRun) {
    this.#run = run;
  }

  /** Answers what is open now. A server that is not there is asked again the next time. */
  async look(): Promise<void> {
    const waits = await this.#run.waits().catch(() => []);
    for (const wait of waits) await this.#answer(wait);
    const tasks = await this.#run.tasks().catch(() => []);
    for (const task of tasks) await this.#do(task);
  }

  async #answer({ kind, key, name, data, since }: OpenWait): Promise<void> {
    if (kind === 'outcome') {
      // A person says of attempts whose end got lost that they are to be tried again, as often as that is asked.
      await this.#once(`outcome ${key} ${since}`, () => this.#run.resolve(key, { status: 'retry' }));
    } else if (kind === 'message') {
      const { value } = decode(data) as { value: unknown };
      await this.#once(`message ${key}`, () => this.#run.send(name, value, { id: `${this.#run.id} ${key}` }));
    } else if (kind === 'breakpoint') {
      const answers = (decode(data) as readonly PersonsAnswer[]).toSorted((a, b) => a.ms - b.ms);
      for (const { by, approved, option } of answers) {
        const response = { by, approved, ...(option === undefined ? {} : { option }) };
        await this.#once(`answer ${key} ${by}`, () => this.#run.respond(key, response));
      }
    }
  }

  async #do({ key, description, failures, status }: OpenTask): Promise<void> {
    if (status !== 'open') return;
    const { input: args } = decode(description) as { readonly input: ExternalArgs };
    const isToFail = failures < args.failures;
    await this.#once(`task ${key} ${failures}`, () =>
      isToFail ? this.#run.fail(key, `fail ${args.id}`) : this.#run.complete(key, args.value),
    );
  }

  async #once(what: string, act: () => Promise<unknown>): Promise<void> {
    if (this.#done.has(what)) return;
    await act().then(
      () => this.#done.add(what),
      () => undefined,
    );
  }
}
