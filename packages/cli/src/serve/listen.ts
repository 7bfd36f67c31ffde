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
/** How long what is still sent after a refusal is read, and how long such a sender may be silent. */
const LINGER_MS = 5_000;
const SILENCE_MS = 500;

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
  const response = request === undefined ? new Response(null, { status: 400 }) : await handler(request);
  const headers = Object.fromEntries(response.headers);
  if (!incoming.complete) {
    await refuse(response, headers, incoming, outgoing);
    return;
  }
  outgoing.writeHead(response.status, headers);
  if (incoming.method === 'HEAD') await response.body?.cancel();
  if (incoming.method === 'HEAD' || response.body === null) outgoing.end();
  else await pipeline(Readable.fromWeb(response.body), outgoing);
}

/**
 * An answer to a request that is still being sent. A connection that is closed under its sender is reset, and the
 * answer lost with it: so the answer is whole without the connection's end, and what comes after it is dropped for a
 * while.
 */
async function refuse(
  response: Response,
  headers: Readonly<Record<string, string>>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, { ...headers, connection: 'close', 'content-length': body.length });
  if (body.length > 0) outgoing.write(body);
  else outgoing.flushHeaders();
  if (!incoming.destroyed) await lingered(incoming);
  outgoing.end();
  incoming.destroy();
}

async function lingered(incoming: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const longest = setTimeout(resolve, LINGER_MS);
  const silent = setTimeout(resolve, SILENCE_MS);
  incoming.once('close', resolve);
  // Nobody reads it any more, and who did may have it paused.
  incoming.removeAllListeners('data').on('data', () => silent.refresh());
  incoming.resume();
  await promise;
  clearTimeout(longest);
  clearTimeout(silent);
}

/** Nothing where its target or its headers are none, or where it asks for something and brings a body. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', rawHeaders } = incoming;
  const isLook = method === 'GET' || method === 'HEAD';
  if (isLook && hasBody(incoming)) return undefined;
  try {
    // Only the path counts: the name that was asked for is in the header, for the guard.
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://localhost');
    const headers = new Headers();
    for (let i = 0; i < rawHeaders.length; i += 2)
      headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
    return new Request(`http://localhost${pathname}${search}`, {
      // A handler's framework would make the whole answer for HEAD, and leave a stream open that nobody reads.
      method: isLook ? 'GET' : method,
      headers,
      signal,
      ...(isLook ? {} : { body: Readable.toWeb(incoming), duplex: 'half' }),
    });
  } catch {
    return undefined;
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}
