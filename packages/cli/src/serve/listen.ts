/** From node:http to what takes a Request and gives a Response, and back. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type Handler = (request: Request) => Response | Promise<Response>;

const HEADERS_TIMEOUT_MS = 10_000;
/** Until the whole body is there. */
const REQUEST_TIMEOUT_MS = 30_000;
const MOST_CONNECTIONS = 1024;

export interface Listening {
  readonly port: number;
  /** Takes no more, and ends what is open. */
  close(): void;
}

/** @throws what the system says, such as EADDRINUSE */
export async function listen(handler: Handler, host: string, port: number): Promise<Listening> {
  const server: Server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (incoming, outgoing) => {
      answer(handler, incoming, outgoing).catch(() => outgoing.destroy());
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.listen(port, host);
  await once(server, 'listening');
  // The server is bound to a port, not to a pipe.
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.on('close', () => gone.abort());
  const request = requestOf(incoming, gone.signal);
  if (request === undefined) {
    outgoing.writeHead(400, { connection: 'close' }).end();
    return;
  }
  const response = await handler(request);
  const isWhole = incoming.complete;
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    // What was refused is not read to its end.
    ...(isWhole ? {} : { connection: 'close' }),
  });
  if (response.body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing);
  if (!isWhole) incoming.destroy();
}

/** Nothing where its target or its headers are none. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', rawHeaders } = incoming;
  try {
    // Only the path counts: the name that was asked for is in the header, for the guard.
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://localhost');
    const headers = new Headers();
    for (let i = 0; i < rawHeaders.length; i += 2)
      headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
    const hasBody = method !== 'GET' && method !== 'HEAD';
    return new Request(`http://localhost${pathname}${search}`, {
      method,
      headers,
      signal,
      ...(hasBody ? { body: Readable.toWeb(incoming), duplex: 'half' } : {}),
    });
  } catch {
    return undefined;
  }
}
