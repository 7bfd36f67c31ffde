import { availableParallelism } from 'node:os';
import { env } from 'node:process';
import type { EngineOptions, Sink } from './engine/engine.ts';
import { resolveLimits } from './engine/limits.ts';
import type { Check } from './engine/run-check.ts';
import type { Observers } from './engine/observers.ts';
import { positive } from './engine/refusals.ts';
import { Vault } from './engine/vault.ts';
import { createGuard, guardMode, warnByNode } from './guard/process-guard.ts';
import type { JournalStore } from './ports/journal-store.ts';
import { LogLines } from './log-lines.ts';
import { resolveNotify } from './notify.ts';
import type { RuntimeOptions } from './runtime-options.ts';
import { secretKeySource } from './secret-key.ts';
import { sha256, systemCipher, systemClock, systemEntropy } from './system.ts';

/** Asked once: it reads the limits of the control group. */
const CORES = availableParallelism();

export const ENGINE_VERSION = '0.3.0';

/** What a runtime was told, resolved. @throws InvalidOptionError */
export function engineOptions(
  options: RuntimeOptions,
  store: JournalStore,
  observers: Observers,
  committed: Sink['committed'],
  check?: Check,
): EngineOptions {
  const entropy = options.entropy ?? systemEntropy;
  const clock = options.clock ?? systemClock;
  const lines = options.logger === undefined ? undefined : new LogLines(options.logger);
  const guard = createGuard(guardMode(options.guard, options.strict ?? false));
  const { onWarning = guard === undefined ? undefined : warnByNode } = options;
  return {
    store,
    clock,
    entropy,
    digest: sha256,
    vault: new Vault(
      store,
      systemCipher,
      secretKeySource(options, env, () => clock.monotonic()),
    ),
    limits: resolveLimits(options.limits, CORES),
    pools: options.pools ?? {},
    owner: entropy.token(),
    version: ENGINE_VERSION,
    leaseMs: positive('leaseMs', options.leaseMs ?? 30_000),
    graceMs: positive('graceMs', options.graceMs ?? 5000),
    stallMs: positive('stallMs', options.stallMs ?? 30_000),
    strict: options.strict ?? false,
    keepLogs: options.keepLogs ?? true,
    guard,
    check,
    standIn: options.standIn ?? ((task) => task),
    remote: options.remote,
    tell: resolveNotify(options.notify),
    telemetry: options.telemetry,
    sink: {
      log: (entry) => {
        observers.log(entry);
        lines?.log(entry);
        options.onLog?.(entry);
      },
      progress: (entry) => observers.progress(entry),
      warn: (runId, message) => {
        lines?.warn(runId, message);
        onWarning?.(runId, message);
      },
      waiting: (runId, keys) => options.onWaiting?.(runId, keys),
      committed:
        lines === undefined
          ? committed
          : (runId, events, process) => {
              committed(runId, events, process);
              lines.committed(runId, events, process);
            },
      left: (runId) => lines?.left(runId),
    },
  };
}
