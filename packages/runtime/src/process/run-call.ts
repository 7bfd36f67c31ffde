import { InvalidArgumentError, InvalidOptionError, LimitError, type ChildRunOptions } from '@pawl/sdk';
import type { CallKey } from '../journal/call-key.ts';
import { identityText } from '../journal/canonical.ts';
import type { Digest } from '../journal/digest.ts';
import { childOf, isRunId } from '../journal/ids.ts';
import { childFingerprint } from '../kernel/fingerprint.ts';
import { codeOf, definitionOf, type AnyProcess } from './definition.ts';
import type { ProcessHost } from './host.ts';
import type { OpenChild } from './open-call.ts';
import { checkName } from './parallel/options.ts';
import { encodePayload } from './payload.ts';

const OPTIONS: ReadonlySet<string> = new Set<keyof ChildRunOptions>([
  'key',
  'id',
  'detached',
  'onParentCancel',
]);

/** `ctx.run`: all that can be refused without the journal is refused here. */
export function runChild<Output>(
  host: ProcessHost,
  process: AnyProcess<never, unknown>,
  inputs: unknown,
  options: ChildRunOptions = {},
): Promise<Output> {
  const scope = host.currentScope();
  const definition = definitionOf(process);
  checkOptions(options, host.runId);
  const name = checkName(options.key);
  refuseTooDeep(host);
  const code = codeOf(definition);
  const what = `The input of process '${definition.name}'`;
  const encoded = encodePayload(what, code.checkInputs(inputs), host.limits.payloadBytes);
  const inputHash = host.port.digest(identityText(encoded));
  const { detached: isDetached = false, onParentCancel } = options;
  const isAbandoned = onParentCancel === 'abandon';
  const asked = {
    fingerprint: childFingerprint(definition.name, inputHash, isDetached),
    what: `${isDetached ? 'start' : 'run'} ${JSON.stringify(definition.name)}`,
  };
  return host.request<Output>(scope, name, asked, (key, resolve, reject) => {
    // What the journal gives back is what the process returned, whose type its definition carries.
    const recorded = host.port.recorded(key);
    const runId =
      recorded?.kind === 'child'
        ? recorded.runId
        : (options.id ?? childId(host.runId, key, host.port.digest));
    const child: OpenChild = {
      ...code,
      runId,
      process: definition.name,
      inputs: encoded,
      inputHash,
      isDetached,
      isAbandoned,
    };
    if (recorded !== undefined) host.port.childAsked(runId, definition);
    if (!host.live && (isDetached || isAbandoned)) host.leftRuns.set(key, child);
    host.openCalls.set(key, { resolve: (value) => resolve(value as Output), reject, scope, child });
    host.command({
      type: 'StartChild',
      key,
      process: definition.name,
      inputHash,
      runId,
      ...(isDetached ? { detached: true } : {}),
      ...(isAbandoned && !isDetached ? { onParentCancel: 'abandon' } : {}),
    });
  });
}

/** An id that would be too long keeps its beginning, and says the rest by a digest. */
function childId(parent: string, key: CallKey, digest: Digest): string {
  const id = childOf(parent, key);
  return isRunId(id) ? id : `${parent.slice(0, 60)}.${digest(`${parent} ${key}`).slice(0, 40)}`;
}

function refuseTooDeep(host: ProcessHost): void {
  const { runDepth } = host.limits;
  if (host.port.depth() < runDepth) return;
  throw new LimitError(
    'runDepth',
    `Run ${host.runId} is ${host.port.depth()} runs deep, and the limit is runDepth = ${runDepth}. Does a process run itself without an end? Else raise it: openRuntime({ limits: { runDepth: … } }).`,
  );
}

function checkOptions(options: unknown, own: string): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidOptionError('options', options, 'an object');
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name))
      throw new InvalidOptionError(
        name,
        Reflect.get(options, name),
        `left out: ctx.run takes ${[...OPTIONS].join(', ')}`,
      );
  }
  const { id, detached, onParentCancel } = options as Readonly<Record<string, unknown>>;
  if (detached !== undefined && typeof detached !== 'boolean')
    throw new InvalidOptionError('detached', detached, 'true or false');
  if (onParentCancel !== undefined && onParentCancel !== 'cancel' && onParentCancel !== 'abandon')
    throw new InvalidOptionError('onParentCancel', onParentCancel, "'cancel' or 'abandon'");
  if (detached === true && onParentCancel === 'cancel')
    throw new InvalidOptionError(
      'onParentCancel',
      onParentCancel,
      "'abandon' or left out: a detached run is on its own, and is cancelled by its id (runtime.cancel, pawl cancel)",
    );
  if (id === undefined) return;
  if (typeof id !== 'string' || !isRunId(id))
    throw new InvalidOptionError(
      'id',
      id,
      '1 to 128 letters, digits and . _ : @ + - ~, with a letter or a digit first',
    );
  if (id === own) throw new InvalidArgumentError(`Run ${own} cannot wait for its own end.`);
}
