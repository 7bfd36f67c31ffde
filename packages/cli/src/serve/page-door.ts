/** How a browser is let in: by an address that is printed once, for a cookie that only this server gets. */
import { randomBytes } from 'node:crypto';

import type { Context } from 'hono';

import type { PageGuard } from './guard.ts';

/** What a program that opens a browser hands over lies open on this machine: it is good for one use, soon. */
const TICKET_MS = 60_000;

/**
 * Owns the token of this start, and tickets. A cookie holds for a name and not for a port: its name says for which
 * server it is, so that two of them do not take each other's away.
 */
export class PageDoor implements PageGuard {
  readonly policy: string;
  readonly token: string;
  #ticket: { readonly value: string; readonly until: number } | undefined;

  constructor(policy: string, token: string = newToken()) {
    this.policy = policy;
    this.token = token;
  }

  newTicket(): string {
    const value = newToken();
    this.#ticket = { value, until: Date.now() + TICKET_MS };
    return value;
  }

  readonly enter = (c: Context, isToken: (given: string) => boolean): Response | undefined => {
    const given = c.req.query('token');
    if (c.req.method !== 'GET' || given === undefined || c.req.path.startsWith('/api/')) return undefined;
    if (!isToken(given) && !this.#takes(given)) return undefined;
    c.header(
      'set-cookie',
      `${nameOf(c)}=${encodeURIComponent(this.token)}; Path=/; HttpOnly; SameSite=Strict`,
    );
    // One slash: two would lead to another server.
    return c.redirect(`/${c.req.path.replace(/^[/\\]+/, '')}`, 303);
  };

  readonly cookie = (c: Context): string => {
    const start = `${nameOf(c)}=`;
    const pairs = (c.req.header('cookie') ?? '').split(/; */);
    return decoded(pairs.find((pair) => pair.startsWith(start))?.slice(start.length) ?? '');
  };

  #takes(given: string): boolean {
    const ticket = this.#ticket;
    if (ticket === undefined || given !== ticket.value || Date.now() > ticket.until) return false;
    this.#ticket = undefined;
    return true;
  }
}

function nameOf(c: Context): string {
  return `pawl_${/:(\d{1,5})$/.exec(c.req.header('host') ?? '')?.[1] ?? '80'}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function newToken(): string {
  return randomBytes(24).toString('base64url');
}
