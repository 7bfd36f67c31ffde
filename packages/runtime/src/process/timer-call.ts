import { InvalidOptionError, MAX_DURATION_MS } from '@pawl/sdk';
import type { ProcessHost } from './host.ts';
import { checkName } from './parallel/options.ts';

export function pointOfTime(when: unknown): number {
  const at = when instanceof Date ? when.getTime() : when;
  if (typeof at !== 'number' || !Number.isFinite(at) || Math.abs(at) > MAX_DURATION_MS) {
    throw new InvalidOptionError('when', when, 'a valid Date, or milliseconds since 1970');
  }
  return Math.ceil(at);
}

export function startTimer(
  host: ProcessHost,
  timer: { kind: 'sleep'; durationMs: number } | { kind: 'sleepUntil'; dueAt: number },
  key: string | undefined,
): Promise<void> {
  const scope = host.currentScope();
  const fingerprint = timer.kind === 'sleep' ? `sleep ${timer.durationMs}ms` : `sleepUntil ${timer.dueAt}`;
  return host.request<void>(
    scope,
    checkName(key),
    { fingerprint, what: fingerprint },
    (callKey, resolve, reject) => {
      host.openCalls.set(callKey, {
        resolve: () => resolve(),
        reject,
        scope,
      });
      host.command({ type: 'StartTimer', key: callKey, timer });
    },
  );
}
