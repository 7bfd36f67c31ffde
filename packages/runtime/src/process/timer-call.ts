import { InvalidOptionError, MAX_DURATION_MS } from '@pawl/sdk';
import type { ProcessHost } from './host.ts';
import { checkOptionNames } from './option-names.ts';
import { checkName } from './parallel/options.ts';

const OPTIONS: ReadonlySet<string> = new Set(['key']);

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
  options: { readonly key?: string } = {},
): Promise<void> {
  const scope = host.currentScope();
  checkOptionNames(options, OPTIONS, `ctx.${timer.kind}`);
  const fingerprint = timer.kind === 'sleep' ? `sleep ${timer.durationMs}ms` : `sleepUntil ${timer.dueAt}`;
  return host.request<void>(
    scope,
    checkName(options.key),
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
