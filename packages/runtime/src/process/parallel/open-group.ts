import { AsyncLocalStorage } from 'node:async_hooks';
import { groupFingerprint } from '../../kernel/fingerprint.ts';
import type { ProcessHost } from '../host.ts';
import { finite } from '../retuning.ts';
import type { Scope } from '../scope.ts';
import type { CombinatorMode } from './decision.ts';
import { Group } from './group.ts';
import type { ResolvedGroupOptions } from './options.ts';
import type { Branches } from './thunks.ts';

/** Asks for a parallel call, and begins it once it has its key. */
export function openGroup(
  host: ProcessHost,
  scope: Scope,
  mode: CombinatorMode,
  { width, call, names }: Branches,
  options: ResolvedGroupOptions,
): Promise<unknown> {
  const plan = { mode, width, call, names, options, inUserContext: AsyncLocalStorage.snapshot() };
  const fingerprint = groupFingerprint(mode, width);
  return host.request<unknown>(
    scope,
    options.name,
    { fingerprint, what: fingerprint },
    (key, resolve, reject) => {
      const recorded = host.live ? undefined : host.recordedGroup(key);
      const concurrency = recorded === undefined ? finite(options.concurrency) : recorded.openedConcurrency;
      // The chunks of a group stay as they were recorded; thunks can see them. So do its losers.
      const batchSize = recorded === undefined ? finite(options.batchSize) : recorded.batchSize;
      const losers = recorded === undefined ? options.losers : recorded.losers;
      const aborted = recorded === undefined ? options.signal?.aborted === true : recorded.openedAborted;
      const group = new Group(key, scope, plan, host, { resolve, reject });
      host.openGroups.set(key, group);
      const { timeoutMs } = options;
      const buffer = null;
      host.command({
        type: 'OpenScope',
        key,
        mode,
        width,
        concurrency,
        batchSize,
        buffer,
        losers,
        timeoutMs,
        aborted,
      });
      group.open({
        concurrency: concurrency ?? Infinity,
        batchSize: batchSize ?? Infinity,
        losers,
        aborted,
      });
      if (host.live && !aborted) group.listen();
    },
  );
}
