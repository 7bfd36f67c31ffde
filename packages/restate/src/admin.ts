import { RuntimeError } from '@pawl/runtime/errors';
import { setTimeout as delay } from 'node:timers/promises';
import type { RestateAddress } from './address.ts';

/** Nobody waits longer for a server that says nothing. */
const PATIENCE_MS = 30_000;
/** A server that has just started, or chooses another leader, answers nothing of a partition for a moment. */
const TRIES = 25;
const PAUSE_MS = 200;
/** What the workflow of a process has. */
const HANDLERS = ['run', 'post', 'shown'];

interface Service {
  readonly name: string;
  readonly ty: string;
  readonly handlers: readonly { readonly name: string }[];
}

/** The admin interface of a server: what is deployed, and SQL over what is there. */
export class Admin {
  readonly #address: RestateAddress;

  constructor(address: RestateAddress) {
    this.#address = address;
  }

  /** Names of processes that workers have announced. @throws RuntimeError NOT_FOUND where no Restate is there */
  async processes(): Promise<readonly string[]> {
    return (await this.#services())
      .filter(({ ty, handlers }) => {
        const names = handlers.map(({ name }) => name);
        return ty === 'Workflow' && HANDLERS.every((name) => names.includes(name));
      })
      .map(({ name }) => name);
  }

  /** Names of all that workers have announced. @throws RuntimeError NOT_FOUND where no Restate is there */
  async services(): Promise<readonly string[]> {
    return (await this.#services()).map(({ name }) => name);
  }

  async #services(): Promise<readonly Service[]> {
    const { services } = (await this.#json('GET', '/services')) as { services?: readonly Service[] };
    if (!Array.isArray(services)) throw this.#noRestate('what it answers is not what Restate answers');
    return services;
  }

  async sql<Row>(query: string): Promise<readonly Row[]> {
    const { rows } = (await this.#json('POST', '/query', { query })) as { rows: readonly Row[] };
    return rows;
  }

  /** Goes on with an invocation that is paused, or waits for its next attempt. */
  async resume(invocationId: string): Promise<void> {
    await this.#request('PATCH', `/invocations/${invocationId}/resume`);
  }

  async cancel(invocationId: string): Promise<void> {
    await this.#request('PATCH', `/invocations/${invocationId}/cancel`);
  }

  async #json(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.#request(method, path, body);
    try {
      return await response.json();
    } catch {
      throw this.#noRestate(`to ${path} it answers no JSON`);
    }
  }

  async #request(method: string, path: string, body?: unknown): Promise<Response> {
    let response = await this.#answer(method, path, body);
    for (let tries = 1; response.status >= 500 && tries < TRIES; tries += 1) {
      await delay(PAUSE_MS);
      response = await this.#answer(method, path, body);
    }
    if (response.ok) return response;
    const said = (await response.text()).slice(0, 500);
    if (response.status < 500) throw this.#noRestate(`to ${path} it answers ${response.status} ${said}`);
    throw new RuntimeError('STORAGE', `Restate at ${this.#address.admin} failed: ${said}`, {
      hint: `See how it is: curl ${this.#address.admin}/health`,
    });
  }

  async #answer(method: string, path: string, body: unknown): Promise<Response> {
    try {
      return await fetch(`${this.#address.admin}${path}`, {
        method,
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw this.#noRestate(problemOf(error));
    }
  }

  #noRestate(why: string): RuntimeError {
    const { text, admin } = this.#address;
    const given = text.split('?', 1).join('');
    return new RuntimeError('NOT_FOUND', `There is no admin interface of Restate at ${admin}: ${why}.`, {
      hint: `Name it, where it is elsewhere: --engine '${given}?admin=<host:port>'; or start a server for trying: pawl dev <module>`,
      data: { admin },
    });
  }
}

/** What `fetch` says of itself says nothing. */
export function problemOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (!(cause instanceof Error)) return String(cause);
  if (!('code' in cause)) return cause.message;
  return cause.code === 'ECONNREFUSED' ? 'nobody listens there' : `${cause.message} (${String(cause.code)})`;
}

/** As SQL takes a list of texts. */
export function listed(texts: readonly string[]): string {
  return texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ');
}
