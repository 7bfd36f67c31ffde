import { emitWarning } from 'node:process';
import { InvalidOptionError, NonDeterminismError } from '@pawl/sdk';
import { RuntimeError } from '../errors.ts';
import type { Guard } from '../engine/guard-port.ts';
import { unreachable } from '../journal/invariant.ts';
import { here, ownCallSite } from '../process/call-site.ts';
import type { ImpureCall, ImpureKind } from '../process/host-port.ts';

/** What becomes of process code that does what only tasks, or ctx, may do. */
export type GuardMode = 'off' | 'warn' | 'error';

const MODES: readonly unknown[] = ['off', 'warn', 'error'] satisfies readonly GuardMode[];
/** Places that are told of, and calls whose place is looked up: code that is known by then would only grow slow. */
const MOST_PLACES = 1000;
const MOST_LOOKS = 10_000;

/** @param strict what the default is taken from @throws InvalidOptionError */
export function guardMode(given: GuardMode | undefined, strict: boolean): GuardMode {
  if (given === undefined) return strict ? 'error' : 'off';
  if (!MODES.includes(given)) throw new InvalidOptionError('guard', given, `'off', 'warn' or 'error'`);
  return given;
}

/**
 * What is made of each call of process code that a replay would not get, or would do again. Calls that libraries make
 * are no concern of it: what a logger does with its time and its file is nothing that the process sees.
 * @returns undefined where nobody wants to know
 */
export function createGuard(mode: GuardMode): Guard | undefined {
  if (mode === 'off') return undefined;
  const told = new Set<string>();
  let looks = 0;
  return (call, run) => {
    if (mode === 'warn' && (looks === MOST_LOOKS || told.size === MOST_PLACES)) return;
    looks += 1;
    const where = ownCallSite(here().stack);
    if (where === undefined) return;
    const what = `process code calls ${call.name} at ${where}: ${adviceFor(call.kind)}`;
    if (mode === 'error') {
      run.halt(haltedError(run.runId, call, where, what));
      throw new NonDeterminismError(what);
    }
    const place = `${call.name} ${where}`;
    if (told.has(place)) return;
    told.add(place);
    run.warn(what);
  };
}

/** Where nobody listens, Node tells what whoever asked for the guard wants to hear. */
export function warnByNode(runId: string, message: string): void {
  emitWarning(`Run ${runId}: ${message}`, 'PawlWarning');
}

function haltedError(runId: string, call: ImpureCall, where: string, what: string): RuntimeError {
  return new RuntimeError(
    'NON_DETERMINISM',
    `${what.charAt(0).toUpperCase()}${what.slice(1)} Nothing was run or recorded since.`,
    { hint: `Put it right, then: pawl resume ${runId}`, data: { runId, call: call.name, where } },
  );
}

function adviceFor(kind: ImpureKind): string {
  switch (kind) {
    case 'random':
      return 'each replay draws something else. Use ctx.random() or ctx.uuid().';
    case 'clock':
      return 'each replay sees another time. Use ctx.now().';
    case 'effect':
      return 'each replay does it again. Put it into a task (defineTask).';
    case 'read':
      return 'each replay may find something else. Read it in a task (defineTask).';
    case 'wait':
      return 'each replay waits for it again. Use ctx.sleep, or put it into a task.';
    default:
      return unreachable(kind);
  }
}
