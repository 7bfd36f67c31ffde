import { nearest, RuntimeError, type EnqueueOptions, type LoadedCode } from '@pawl/runtime';
import type { ProcessDefinition } from '@pawl/sdk';

import type { ModuleFile } from '../module-file.ts';
import { fieldsOf } from './request.ts';

interface StartRequest {
  readonly definition: ProcessDefinition;
  readonly input: unknown;
  readonly options: EnqueueOptions;
}

/** Options that may be given over HTTP; the runtime checks their values. */
const OPTIONS = ['id', 'delay', 'priority', 'concurrency', 'singleton', 'debounce'] as const;
const FIELDS = ['process', 'input', ...OPTIONS] as const;

/** @throws RuntimeError USAGE, NOT_FOUND */
export function startOf(
  body: unknown,
  processes: ReadonlyMap<string, LoadedCode & { readonly file: ModuleFile }>,
): StartRequest {
  const fields = fieldsOf(body, FIELDS, 'A start');
  const { process, input } = fields;
  if (typeof process !== 'string') throw new RuntimeError('USAGE', 'A start names its process.');
  const code = processes.get(process);
  if (code === undefined) {
    const near = nearest(process.slice(0, 100), [...processes.keys()]);
    throw new RuntimeError('NOT_FOUND', 'This server has no such process.', {
      hint: near.length === 0 ? 'See what it has: GET /processes' : `Did you mean ${near.join(' or ')}?`,
    });
  }
  const given = Object.fromEntries(
    OPTIONS.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]),
  );
  const { file, codeHash, definition } = code;
  const place = { module: file.recorded, ...(codeHash === null ? {} : { codeHash }) };
  return { definition, input, options: { ...given, ...place } };
}
