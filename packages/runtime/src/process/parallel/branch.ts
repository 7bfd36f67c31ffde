import type { Scope } from '../scope.ts';

/** Where one branch of a group stands. */
export type Branch =
  | { readonly status: 'idle' }
  | { readonly status: 'running'; readonly scope: Scope }
  | { readonly status: 'fulfilled'; readonly value: unknown }
  | { readonly status: 'rejected'; readonly reason: unknown };

export const IDLE: Branch = { status: 'idle' };

/** Adds index and key to what a branch threw, without touching an error that is frozen. */
export function withPlace(reason: unknown, index: number, key: string): unknown {
  try {
    if (!(reason instanceof Error) || !Object.isExtensible(reason)) return reason;
    if (!('index' in reason)) Object.defineProperty(reason, 'index', { value: index, configurable: true });
    if (!('key' in reason)) Object.defineProperty(reason, 'key', { value: key, configurable: true });
  } catch {
    // A proxy that refuses stays as it is.
  }
  return reason;
}
