/** Who may ask: what a request must be like before anything of it is looked at. */
import { createHash, timingSafeEqual } from 'node:crypto';

import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import { JSON_VERSION } from '../render/json.ts';

export interface GuardOptions {
  /** Names under which this server may be asked; undefined: any, where a token protects it. */
  readonly hosts: readonly string[] | undefined;
  /** Undefined: everybody who reaches it may ask. */
  readonly token: string | undefined;
  readonly maxBodyBytes: number;
  /** Of a server whose answers are also a page. */
  readonly page?: PageGuard;
}

export interface PageGuard {
  /** The content security policy of the page. */
  readonly policy: string;
  /** Lets a browser in that brings what it was given: an answer that hands it the cookie. */
  readonly enter: (c: Context, isToken: (given: string) => boolean) => Response | undefined;
  /** What the cookie of a browser that was let in holds; empty where there is none. */
  readonly cookie: (c: Context) => string;
}

type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 500 | 503;

/** The same form as `--json` gives errors. */
export function refusal(
  c: Context,
  status: RefusalStatus,
  code: string,
  message: string,
  hint?: string,
): Response {
  const error = { code, message, ...(hint === undefined ? {} : { hint }) };
  return c.json({ version: JSON_VERSION, error }, status);
}

const HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
} as const;

/** Answers for monitors: they tell nothing but that it lives. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

const LONGEST_TOKEN = 1000;

/**
 * A page in somebody's browser must not reach a server on the same machine: it can be given a name that leads there
 * (DNS rebinding), and it can send forms anywhere. So the name that was asked for counts, a request that a page of
 * elsewhere made is refused, and what changes something must be JSON, which no form can send.
 */
export function guard({ hosts, token, maxBodyBytes, page }: GuardOptions): MiddlewareHandler {
  const limit = bodyLimit({
    maxSize: maxBodyBytes,
    onError: (c) => refusal(c, 413, 'REFUSED', `A body has at most ${maxBodyBytes} bytes.`),
  });
  const expected = token === undefined ? undefined : digest(token);
  const headers = page === undefined ? HEADERS : { ...HEADERS, 'content-security-policy': page.policy };
  return async (c, next) => {
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    const host = c.req.header('host') ?? '';
    if (hosts !== undefined && !hosts.includes(nameOf(host)))
      return refusal(c, 403, 'REFUSED', 'This server is not asked for by that name.');
    const origin = c.req.header('origin');
    const site = c.req.header('sec-fetch-site');
    const isForeign =
      (origin !== undefined && hostOf(origin) !== host) || site === 'cross-site' || site === 'same-site';
    if (isForeign) return refusal(c, 403, 'REFUSED', 'A page of another origin may not ask.');
    if (expected !== undefined && !OPEN_PATHS.has(c.req.path)) {
      const entered = page?.enter(c, (given) => isSame(given, expected));
      if (entered !== undefined) return entered;
      const isKnown = isSame(bearerOf(c), expected) || isSame(page?.cookie(c) ?? '', expected);
      if (!isKnown) return unknown(c);
    }
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return await next();
    if (c.req.method !== 'POST') return refusal(c, 405, 'REFUSED', 'It takes GET and POST.');
    if (!/^application\/json(;|$)/i.test(c.req.header('content-type') ?? ''))
      return refusal(c, 415, 'REFUSED', 'What is posted is JSON.', 'content-type: application/json');
    return await limit(c, next);
  };
}

/** Of `name:port`, in lower case. */
function nameOf(host: string): string {
  return host.replace(/:\d{1,5}$/, '').toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** Of equal length, so that comparing takes the same time whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isSame(given: string, expected: Buffer): boolean {
  return given.length <= LONGEST_TOKEN && timingSafeEqual(digest(given), expected);
}

function bearerOf(c: Context): string {
  return /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
}

function unknown(c: Context): Response {
  c.header('www-authenticate', 'Bearer');
  return refusal(c, 401, 'REFUSED', 'A token is needed.', 'authorization: Bearer <token>');
}
