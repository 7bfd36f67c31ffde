import { InvalidOptionError } from '@pawl/sdk';
import { isRunId, type RunId } from '../journal/ids.ts';
import { RuntimeError } from '../errors.ts';

/** @param id of whatever type a caller without types gave: a number looks like one, and is none in a file */
export function checkRunId(id: unknown): void {
  if (typeof id === 'string' && isRunId(id)) return;
  throw new RuntimeError('REFUSED', `'${String(id).slice(0, 60)}' is no run id.`, {
    hint: 'A run id has 1 to 128 letters, digits and . _ : @ + - ~, and starts with a letter or a digit',
  });
}

export function refuseOther(
  id: RunId,
  known: { process: string; inputsHash: string },
  name: string,
  inputsHash: string,
): void {
  if (known.process === name && known.inputsHash === inputsHash) return;
  const what = known.process === name ? 'with other inputs' : `of process '${known.process}'`;
  throw new RuntimeError('REFUSED', `Run ${id} exists already, ${what}; one id is one run.`, {
    hint: `Go on with it: pawl resume ${id}, or start under another id`,
    data: { runId: id },
  });
}

export function unknownRun(id: string, near: readonly string[]): RuntimeError {
  return new RuntimeError('NOT_FOUND', `There is no run '${id.slice(0, 128)}' in this journal.`, {
    hint: near.length === 0 ? 'See the runs: pawl list' : `Did you mean ${near.join(' or ')}?`,
    data: { nearest: near },
  });
}

export function missingProcess(id: RunId, name: string): RuntimeError {
  return new RuntimeError(
    'NOT_FOUND',
    `Run ${id} is of process '${name}', which this program does not have.`,
    {
      hint: `Give it: openRuntime({ processes: [${name}] }), or runtime.resume(id, process)`,
      data: { runId: id, process: name },
    },
  );
}

export function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidOptionError(name, value, 'a number of milliseconds above 0');
}
