/** Loads a workflow file and the tasks that it names. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';

import { RuntimeError } from '@pawl/runtime';
import { defineWorkflow, pathText, type TaskDefinition, type WorkflowDefinition } from '@pawl/sdk';

import { findModule, type ModuleFile } from '../module-file.ts';
import { compileWorkflow } from './compile.ts';
import { readDocument, type Place } from './document.ts';
import type { PlacePath } from './template.ts';

/** More is no workflow that a person wrote, and costs more than a moment to read. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface WorkflowProblem extends Place {
  /** `$.steps[2].when`; `$` where the text itself cannot be read. */
  readonly path: string;
  readonly message: string;
}

export type CheckedWorkflow =
  | { readonly workflow: WorkflowDefinition; readonly problems: readonly [] }
  | { readonly workflow: undefined; readonly problems: readonly WorkflowProblem[] };

type ImportModule = (file: ModuleFile, cwd: string) => Promise<Readonly<Record<string, unknown>>>;

/**
 * All problems of a workflow file at once, or the workflow.
 * @throws RuntimeError NOT_FOUND, REFUSED: of the module that its `tools` name
 */
export async function checkWorkflowFile(
  file: ModuleFile,
  cwd: string,
  importModule: ImportModule,
): Promise<CheckedWorkflow> {
  const document = readDocument(readText(file));
  if (document.problems.length > 0)
    return { workflow: undefined, problems: document.problems.map((problem) => ({ ...problem, path: '$' })) };
  const place = (path: PlacePath, message: string): WorkflowProblem => ({
    ...document.placeOf(path),
    path: pathText(path),
    message,
  });
  const tools = await toolsOf(document.value, file, cwd, importModule);
  if (typeof tools === 'string') return { workflow: undefined, problems: [place(['tools'], tools)] };
  const { definition, problems } = compileWorkflow(
    document.value,
    basename(file.path, extname(file.path)),
    tools,
  );
  if (problems.length > 0) {
    const placed = problems.map(({ path, message }) => place(path, message));
    return {
      workflow: undefined,
      problems: placed.toSorted((a, b) => a.line - b.line || a.column - b.column),
    };
  }
  return { workflow: defineWorkflow(definition as never), problems: [] };
}

/** @throws RuntimeError REFUSED with all problems, NOT_FOUND */
export async function loadWorkflow(
  file: ModuleFile,
  cwd: string,
  importModule: ImportModule,
): Promise<WorkflowDefinition> {
  const { workflow, problems } = await checkWorkflowFile(file, cwd, importModule);
  if (workflow !== undefined) return workflow;
  const list = problems
    .map(({ line, column, message }) => `\n${file.given}:${line}:${column} ${message}`)
    .join('');
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new RuntimeError('REFUSED', `${file.given} has ${count}:${list}`, { data: { problems } });
}

function readText(file: ModuleFile): string {
  const { size } = statSync(file.path);
  if (size > MAX_BYTES)
    throw new RuntimeError(
      'REFUSED',
      `${file.given} has ${size} bytes, more than the ${MAX_BYTES} that a workflow may have.`,
    );
  return readFileSync(file.path, 'utf8');
}

async function toolsOf(
  value: unknown,
  file: ModuleFile,
  cwd: string,
  importModule: ImportModule,
): Promise<Readonly<Record<string, TaskDefinition<never, unknown>>> | string> {
  const named: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'tools') : undefined;
  if (named === undefined) return {};
  if (typeof named !== 'string')
    return `'tools' must be the path of a module that exports tasks, such as ./tools.ts`;
  const module = findModule(resolve(dirname(file.path), named), cwd);
  const exported = await importModule({ ...module, given: named }, cwd);
  return Object.fromEntries(
    Object.entries(exported).flatMap(([name, task]) =>
      // Under the name of its export, and of the task itself.
      isTask(task) ? [[name, task] as const, [task.name, task] as const] : [],
    ),
  );
}

function isTask(value: unknown): value is TaskDefinition<never, unknown> {
  return typeof value === 'object' && value !== null && 'build' in value && typeof value.build === 'function';
}
