import { AsyncLocalStorage } from 'node:async_hooks';
import { InvalidArgumentError, LimitError, type ReduceOptions } from '@pawl/sdk';
import type { CallKey } from '../../journal/call-key.ts';
import { groupFingerprint } from '../../kernel/fingerprint.ts';
import type { ProcessHost } from '../host.ts';
import { finite } from '../retuning.ts';
import { encodePayload } from '../payload.ts';
import { resolveReduceOptions } from './reduce-options.ts';
import { Reduce } from './reduce.ts';
import type { ReducePlan } from './reduce-plan.ts';
import { claimSource } from './claimed-source.ts';
import { sourceOf } from './reduce-source.ts';

export type ReduceArguments = readonly [
  source: unknown,
  initial: unknown,
  step: (state: never, result: never, index: number) => unknown,
  options?: ReduceOptions<never, unknown>,
];

/** `ctx.reduce` of one run. All that can be refused is refused here, before anything is recorded. */
export function openReduce(
  host: ProcessHost,
  ...[source, initial, step, options]: ReduceArguments
): Promise<unknown> {
  const scope = host.currentScope();
  const { groupDepth, fanOut, payloadBytes } = host.limits;
  if (scope.depth / 2 >= groupDepth) {
    throw new LimitError(
      'groupDepth',
      `ctx.reduce lies within ${scope.depth / 2} other parallel calls, as many as the limit groupDepth = ${groupDepth} allows; raise it: openRuntime({ limits: { groupDepth: … } }).`,
    );
  }
  const resolved = resolveReduceOptions(options, scope.defaults, fanOut);
  if (typeof step !== 'function')
    throw new InvalidArgumentError(
      'ctx.reduce takes a function of (state, item, index) as its third argument.',
    );
  const state = encodePayload('The initial state of ctx.reduce', initial, payloadBytes);
  const pulled = sourceOf(source);
  // In a scope that has lost, and for a request that is refused, nobody reads it.
  const claimed = scope.fence === undefined ? claimSource(source, host, scope) : undefined;
  const plan: ReducePlan = {
    source: claimed ?? pulled,
    initial: state,
    // The types of state and items are the caller's business.
    step: step as ReducePlan['step'],
    options: resolved,
    inUserContext: AsyncLocalStorage.snapshot(),
  };
  const fingerprint = groupFingerprint('reduce', null);
  const open = (key: CallKey, resolve: (value: unknown) => void, reject: (reason: unknown) => void): void => {
    const recorded = host.live ? undefined : host.recordedGroup(key);
    // What items can see of it stays as it was recorded.
    const concurrency = recorded?.openedConcurrency ?? resolved.concurrency;
    const batchSize = recorded?.batchSize ?? resolved.foldEvery;
    const buffer = recorded?.buffer ?? resolved.buffer;
    const aborted = recorded === undefined ? resolved.signal?.aborted === true : recorded.openedAborted;
    const reduce = new Reduce(key, scope, plan, host, { resolve, reject });
    host.openGroups.set(key, reduce);
    host.openReduces.set(key, reduce);
    host.command({
      type: 'OpenScope',
      key,
      mode: 'reduce',
      width: null,
      concurrency: finite(concurrency),
      batchSize,
      buffer,
      losers: 'cancel',
      timeoutMs: resolved.timeoutMs,
      aborted,
    });
    // First the signal: what runs in `open` may abort it.
    if (host.live && !aborted) reduce.listen();
    reduce.open(concurrency, batchSize, buffer, aborted);
  };
  try {
    return host.request(scope, resolved.name, { fingerprint, what: fingerprint }, open);
  } catch (error) {
    claimed?.release();
    throw error;
  }
}
