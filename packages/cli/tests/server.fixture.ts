import { request as send } from 'node:http';

import { until, type Folder, type Pawl } from './pawl.fixture.ts';

/* The server, as others reach it. */

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export class Client {
  readonly pawl: Pawl;
  readonly port: number;

  constructor(pawl: Pawl, port = Number(/:(\d+)\n/.exec(pawl.stderr)?.[1])) {
    this.pawl = pawl;
    this.port = port;
  }

  ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = send(
        {
          port: this.port,
          method,
          path,
          headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        },
        (response) => {
          let got = '';
          response.setEncoding('utf8').on('data', (part: string) => (got += part));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: got,
              body: got.startsWith('{') ? (JSON.parse(got) as Record<string, unknown>) : {},
            }),
          );
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(text);
    });
  }

  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer> {
    return this.ask('GET', path, undefined, headers);
  }

  async stop(): Promise<number | null> {
    this.pawl.child.kill('SIGTERM');
    return (await this.pawl.ended).code;
  }
}

/** Serves the processes of the folder, at a port that is free. */
export async function serving(
  folder: Folder,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Client> {
  const pawl = folder.start(['serve', '--port', '0', '--processes', '.', ...args], { env });
  await until(() => pawl.stderr.includes('serving') || pawl.child.exitCode !== null);
  return new Client(pawl);
}
