import {
  durationMs,
  InvalidArgumentError,
  InvalidOptionError,
  isSchema,
  type ReceiveOptions,
} from '@pawl/sdk';
import { waitFingerprint } from '../kernel/fingerprint.ts';
import type { ProcessHost } from './host.ts';
import { checkOptionNames } from './option-names.ts';
import type { OpenWait } from './open-call.ts';
import { checkName } from './parallel/options.ts';
import { encodePayload, tooLarge } from './payload.ts';
import { outsideProcess } from './process-code.ts';
import { toldSchema } from './told-schema.ts';

const OPTIONS: ReadonlySet<string> = new Set<keyof ReceiveOptions>([
  'schema',
  'timeout',
  'prompt',
  'data',
  'secret',
  'latest',
  'key',
]);

const NO_SECRETS: ReadonlySet<string> = new Set([...OPTIONS].filter((name) => name !== 'secret'));

/** @param method 'waitFor' gives null where the time passes */
export function receive<T>(
  host: ProcessHost,
  name: unknown,
  options: ReceiveOptions = {},
  method: 'receive' | 'waitFor' = 'receive',
): Promise<T> {
  const scope = host.currentScope();
  checkMessageName(name, `ctx.${method}`);
  checkReceiveOptions(options, method === 'receive' ? OPTIONS : NO_SECRETS, method);
  const callName = checkName(options.key);
  const timeoutMs = options.timeout === undefined ? null : durationMs(options.timeout, 'timeout');
  const data = encodePayload(`The data of receive '${name}'`, options.data ?? null, host.limits.payloadBytes);
  const { secret: isSecret = false, schema, latest = false } = options;
  const wait: OpenWait = { name, schema, isSecret, latest, mayPass: method === 'waitFor' };
  const prompt = options.prompt ?? null;
  if (prompt !== null && prompt.length > host.limits.payloadBytes)
    throw tooLarge(`The prompt of receive '${name}'`, host.limits.payloadBytes);
  const fingerprint = waitFingerprint(name, isSecret);
  return host.request<T>(scope, callName, { fingerprint, what: fingerprint }, (key, resolve, reject) => {
    // The payload was checked against the schema, whose type the options carry.
    host.openCalls.set(key, { resolve: (value) => resolve(value as T), reject, scope, wait });
    // What is recorded already is compared by its key: nothing is converted for it.
    const told = host.isNew(key) ? outsideProcess(() => toldSchema(schema)) : null;
    host.command({
      type: 'AwaitSignal',
      key,
      name,
      timeoutMs,
      prompt,
      data,
      ...(isSecret ? { secret: true } : {}),
      ...(told === null ? {} : { schema: told }),
    });
  });
}

/** @throws InvalidArgumentError */
export function checkMessageName(name: unknown, method: string): asserts name is string {
  if (typeof name === 'string' && name !== '' && name.length <= 200 && name.isWellFormed()) return;
  throw new InvalidArgumentError(
    `${method} takes the name of a message as its first argument: 1 to 200 characters, well-formed Unicode.`,
  );
}

/** @throws InvalidOptionError */
export function checkReceiveOptions(
  options: ReceiveOptions,
  taken: ReadonlySet<string>,
  method: string,
): void {
  checkOptionNames(options, taken, method);
  const { schema, prompt, secret, latest }: { readonly [Name in keyof ReceiveOptions]: unknown } = options;
  if (schema !== undefined && !isSchema(schema))
    throw new InvalidOptionError(
      'schema',
      schema,
      'a Standard Schema, as zod, valibot and arktype make them',
    );
  if (prompt !== undefined && (typeof prompt !== 'string' || !prompt.isWellFormed()))
    throw new InvalidOptionError('prompt', prompt, 'a text, of well-formed Unicode');
  if (secret !== undefined && typeof secret !== 'boolean')
    throw new InvalidOptionError('secret', secret, 'true or false');
  if (latest !== undefined && typeof latest !== 'boolean')
    throw new InvalidOptionError('latest', latest, 'true or false');
}
