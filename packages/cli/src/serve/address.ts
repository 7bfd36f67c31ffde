/** Where a server listens, and what then protects it. */
import { RuntimeError } from '@pawl/runtime/errors';

import { usage } from '../command.ts';

const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost'];
/** How it may be asked for where only this machine reaches it. */
const LOCAL_NAMES: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];
/** A token that can be guessed is none. */
const SHORTEST_TOKEN = 16;

export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(host);
}

/** Undefined: by any name, where a token protects it. */
export function namesOf(host: string): readonly string[] | undefined {
  return isLoopback(host) ? LOCAL_NAMES : undefined;
}

/** @throws RuntimeError USAGE */
export function checkedPort(port: number): number {
  if (port <= 65_535) return port;
  throw usage(`'${port}' is no port, which --port takes: 0 to 65535.`);
}

export function addressOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws RuntimeError USAGE */
export function tokenOf(given: string | undefined, isLocal: boolean): string | undefined {
  const token = given === '' ? undefined : given;
  if (token === undefined && !isLocal)
    throw usage(
      'Others than this machine reach it: a token is needed.',
      'Set PAWL_TOKEN: openssl rand -hex 24',
    );
  if (token !== undefined && (token.length < SHORTEST_TOKEN || /\s/.test(token)))
    throw usage(`A token has at least ${SHORTEST_TOKEN} characters, and no spaces.`, 'openssl rand -hex 24');
  return token;
}

export function unlessTaken(port: number): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    throw new RuntimeError('BUSY', `Port ${port} cannot be listened at (${String(error.code)}).`, {
      hint: 'Name another one: --port <port>, or 0 for any that is free',
    });
  };
}
