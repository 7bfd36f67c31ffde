import { nearest, RuntimeError, type EnqueueOptions, type LoadedCode } from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

import type { ModuleFile } from '../module-file.ts';

interface StartRequest {
  readonly definition: ProcessDefinition;
  readonly input: unknown;
  readonly options: EnqueueOptions;
}

/** Options that may be given over HTTP; the runtime checks their values. */
const OPTIONS = ['id', 'delay', 'priority', 'concurrency', 'singleton', 'debounce'] as const;
const FIELDS: ReadonlySet<string> = new Set(['process', 'input', ...OPTIONS]);

/** @throws RuntimeError USAGE, NOT_FOUND */
export function startOf(
  body: unknown,
  processes: ReadonlyMap<string, LoadedCode & { readonly file: ModuleFile }>,
): StartRequest {
  if (!isObject(body)) throw new RuntimeError('USAGE', 'A start is an object: { "process": …, "input": … }.');
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  if (unknown !== undefined)
    throw new RuntimeError(
      'USAGE',
      `A start takes ${[...FIELDS].join(', ')}; not '${unknown.slice(0, 60)}'.`,
    );
  const process: unknown = body['process'];
  if (typeof process !== 'string') throw new RuntimeError('USAGE', 'A start names its process.');
  const code = processes.get(process);
  if (code === undefined) {
    const near = nearest(process.slice(0, 100), [...processes.keys()]);
    throw new RuntimeError('NOT_FOUND', 'This server has no such process.', {
      hint: near.length === 0 ? 'See what it has: GET /processes' : `Did you mean ${near.join(' or ')}?`,
    });
  }
  const given = Object.fromEntries(
    OPTIONS.filter((name) => Object.hasOwn(body, name)).map((name) => [name, body[name]]),
  );
  const { file, codeHash, definition } = code;
  const place = { module: file.recorded, ...(codeHash === null ? {} : { codeHash }) };
  return { definition, input: body['input'], options: { ...given, ...place } };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
