import { InvalidArgumentError, LimitError } from '@pawl/sdk';
import { stateKey } from '../journal/call-key.ts';
import type { ProcessHost } from './host.ts';
import { encodePayload } from './payload.ts';
import { isAtHead, noteOutside } from './version-call.ts';

/**
 * `ctx.setState`. What was set below the head is recorded already: it is counted by scope, and written once. A
 * replay compares none of it, so that it can be added and removed under a run.
 */
export function setState(host: ProcessHost, name: unknown, value: unknown): void {
  const scope = host.currentScope();
  checkStateName(name);
  const { stateNames, stateBytes } = host.limits;
  const encoded = encodePayload(`The state '${name}'`, value, stateBytes, 'stateBytes');
  refuseTooMany(host, name, stateNames);
  if (scope.fence !== undefined || host.isStopped) return;
  const key = stateKey(scope.path);
  scope.stateSets += 1;
  const recorded = host.port.recorded(key);
  const isKnown = !host.live && recorded?.kind === 'state' && scope.stateSets <= recorded.count;
  if (isKnown || !isAtHead(host)) return;
  host.command({ type: 'SetState', key, name, value: encoded });
  noteOutside(host);
}

/**
 * Counted are all names that were ever set: so a call that was refused is refused on replay, where the journal
 * tells of later ones, too.
 */
function refuseTooMany(host: ProcessHost, name: string, most: number): void {
  const recorded = host.port.stateNames();
  if (recorded.has(name) || host.stateNames.has(name)) return;
  if (recorded.union(host.stateNames).size >= most)
    throw new LimitError(
      'stateNames',
      `Run ${host.runId} sets its state under more names than the limit stateNames = ${most}; use fewer, or raise it: openRuntime({ limits: { stateNames: … } }).`,
    );
  host.stateNames.add(name);
}

const NAME = /^[\p{L}_][\p{L}\p{N}_.-]{0,99}$/u;

function checkStateName(name: unknown): asserts name is string {
  if (typeof name === 'string' && NAME.test(name)) return;
  throw new InvalidArgumentError(
    'ctx.setState takes a name as its first argument: 1 to 100 letters, digits and _ . -, with a letter or _ first.',
  );
}
