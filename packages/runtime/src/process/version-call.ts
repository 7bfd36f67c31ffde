import { InvalidArgumentError } from '@pawl/sdk';
import { versionKey } from '../journal/call-key.ts';
import { callSite, here } from './call-site.ts';
import type { ProcessHost } from './host.ts';
import { checkName } from './parallel/options.ts';

/**
 * `ctx.version`. At the head the newest version is recorded and given. Below the head, where nothing is recorded at
 * this place, the code that ran here did not ask: it was the oldest one, and no row is written.
 * @param method that was called, for messages
 */
export function versionOf(
  host: ProcessHost,
  id: string,
  min: number,
  max: number,
  method = 'ctx.version',
): number {
  const scope = host.currentScope();
  const name = checkId(id, method);
  checkRange(min, max);
  const key = versionKey(scope.path, name, scope.countVersion(name));
  const recorded = host.port.recorded(key);
  if (recorded?.kind === 'value') {
    const { value } = recorded;
    if (value < min || value > max) {
      const range = min === max ? String(min) : `${min} to ${max}`;
      const what = `version ${range} of ${JSON.stringify(name)}`;
      // The next step of the replay stops at it; until then nothing is written.
      host.admission.contradiction ??= {
        key,
        asked: { fingerprint: what, what },
        where: callSite(here().stack),
      };
    }
    return value;
  }
  if (!isAtHead(host) || scope.fence !== undefined || host.isStopped) return min;
  host.command({ type: 'RecordValue', key, kind: 'version', name, value: max });
  noteOutside(host);
  return max;
}

/** Whether all that the journal holds has been delivered and asked for: what comes now is new. */
export function isAtHead(host: ProcessHost): boolean {
  return host.live || (host.inTurn && host.port.isAt(null));
}

/** What is asked for outside a turn needs one to be recorded. */
export function noteOutside(host: ProcessHost): void {
  if (host.inTurn) return;
  host.foreign.noteCall();
  host.port.changed();
}

function checkId(id: unknown, method: string): string {
  try {
    const name = checkName(id);
    if (name !== undefined) return name;
  } catch {
    // It is told in the words of this call.
  }
  throw new InvalidArgumentError(
    `${method} takes the name of a change as its first argument: 1 to 200 characters, well-formed Unicode.`,
  );
}

function checkRange(min: number, max: number): void {
  if (Number.isSafeInteger(min) && Number.isSafeInteger(max) && min <= max) return;
  throw new InvalidArgumentError(
    `ctx.version takes two whole numbers, the oldest version that the code can still do and the newest: version(id, 1, 2); they are ${String(min)} and ${String(max)}.`,
  );
}
