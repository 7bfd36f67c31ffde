import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the server saw it. */
export interface Seen {
  readonly path: string;
  readonly at: number;
  /** Requests of all servers that were open, this one included. */
  readonly open: number;
}

export type Answer = (
  request: IncomingMessage,
  reply: (status: number, body?: string) => void,
  nth: number,
) => void;

/**
 * Servers on loopback that keep a log of what they are asked. A request is open until its answer is about
 * to be sent, or its client is gone: so no more than the clients have open is ever counted.
 */
export class Servers implements AsyncDisposable {
  readonly seen: Seen[] = [];
  readonly #servers: Server[] = [];
  readonly #open = new Map<string, number>();
  readonly #waiting: (() => void)[] = [];

  /** How many are open now, of all paths or of those that begin so. */
  open(prefix = ''): number {
    return [...this.#open].reduce((sum, [path, count]) => sum + (path.startsWith(prefix) ? count : 0), 0);
  }

  count(path: string): number {
    return this.seen.filter((request) => request.path === path).length;
  }

  /** Asks again those who wait: something of theirs has changed. */
  changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves as soon as it is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** @returns its address, without a slash at the end */
  async start(answer: Answer): Promise<string> {
    const server = createServer((request, response) => {
      const path = request.url ?? '/';
      const done = this.#opened(path, response);
      this.seen.push({ path, at: Date.now(), open: this.open() });
      answer(
        request,
        (status, body = '') => {
          done();
          response.writeHead(status).end(body);
        },
        this.count(path),
      );
    });
    this.#servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #opened(path: string, response: ServerResponse): () => void {
    let isOpen = true;
    this.#add(path, 1);
    const done = (): void => {
      if (isOpen) this.#add(path, -1);
      isOpen = false;
    };
    response.on('close', done);
    return done;
  }

  #add(path: string, count: number): void {
    this.#open.set(path, (this.#open.get(path) ?? 0) + count);
    this.changed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }
}
