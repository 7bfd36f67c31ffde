import { AsyncLocalStorage } from 'node:async_hooks';
import {
  durationMs,
  InvalidArgumentError,
  type ExitScope,
  type ScopeOptions,
  type TaskCallOptions,
  type TaskDefinition,
} from '@pawl/sdk';
import type { ExitRegistered } from '../../journal/exit-event.ts';
import { EXIT_METHODS, groupFingerprint } from '../../kernel/fingerprint.ts';
import type { ProcessHost } from '../host.ts';
import { checkOptionNames } from '../option-names.ts';
import { checkName } from '../parallel/options.ts';
import { checkDepth } from '../parallel/thunks.ts';
import { prepareTask } from '../task-call.ts';
import { OpenScope } from './open-scope.ts';

const OPTIONS: ReadonlySet<string> = new Set<keyof ScopeOptions>(['key', 'timeout']);

/** `ctx.scope` of one run. */
export function openScope<T>(
  host: ProcessHost,
  body: (scope: ExitScope) => Promise<T> | T,
  options: ScopeOptions = {},
): Promise<T> {
  const scope = host.currentScope();
  checkOptionNames(options, OPTIONS, 'ctx.scope');
  checkDepth('scope', scope, host.limits.groupDepth);
  const name = checkName(options.key);
  const timeoutMs = options.timeout === undefined ? null : durationMs(options.timeout, 'timeout');
  if (typeof body !== 'function')
    throw new InvalidArgumentError('ctx.scope takes a function as its first argument.');
  const inUserContext = AsyncLocalStorage.snapshot();
  const fingerprint = groupFingerprint('scope', null);
  return host.request<T>(scope, name, { fingerprint, what: fingerprint }, (key, resolve, reject) => {
    // What it settles with is what the function returned.
    const settle = { resolve: (value: unknown) => resolve(value as T), reject };
    const open = new OpenScope(key, scope, host, settle);
    host.openGroups.set(key, open);
    host.exits.open(open);
    host.command({
      type: 'OpenScope',
      key,
      mode: 'scope',
      width: null,
      concurrency: null,
      batchSize: null,
      buffer: null,
      losers: 'cancel',
      timeoutMs,
      aborted: false,
    });
    const handle = { onExit: registrar(host, open, 'always'), compensate: registrar(host, open, 'failure') };
    open.open(inUserContext, () => body(handle));
  });
}

function registrar(host: ProcessHost, open: OpenScope, when: ExitRegistered['when']) {
  return (definition: TaskDefinition<never, unknown>, args?: unknown, options?: TaskCallOptions): void =>
    open.register(when, (scope) =>
      prepareTask(host, scope, `scope.${EXIT_METHODS[when]}`, definition, args, options),
    );
}
