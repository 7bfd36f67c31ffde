import { EXIT_CODES } from '@pawl/runtime';

import { ALIAS_OPTION, givenAliases } from '../alias.ts';
import { COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { configuredAliases, loadConfig } from '../config-file.ts';
import { DONE } from '../exit-codes.ts';
import { importModule, loadProcess } from '../load-process.ts';
import { findModule, isWorkflowFile } from '../module-file.ts';
import { renderChecked } from '../render/checked.ts';
import { jsonLine } from '../render/json.ts';
import { isWorkflow, stepsOf } from '../workflow-definition.ts';

export const checkCommand: Command = defineCommand({
  description:
    'Tells all problems of a workflow file at once, each with its line and column, or loads a module. Exits 11 where there are any.',
  arguments: [
    { name: '<file>', description: 'a workflow (.yaml, .yml, .json), or a module that exports a process' },
  ],
  options: { alias: ALIAS_OPTION, ...COMMON_OPTIONS },
  examples: [
    { command: 'pawl check flow.yaml', what: 'before it is run' },
    { command: 'pawl check flow.yaml --json', what: 'for editors' },
  ],
  run: async ({ args, options, io }) => {
    const aliases = givenAliases(options.alias, configuredAliases(await loadConfig(io.cwd)));
    const file = findModule(args[0] ?? '', io.cwd, aliases);
    const { workflow, problems } = await checked(file, io.cwd);
    if (options.json) {
      io.out.line(
        jsonLine({ file: file.given, ok: problems.length === 0, process: workflow?.name ?? null, problems }),
      );
    } else {
      const steps = isWorkflow(workflow) ? stepsOf(workflow.plan).length : undefined;
      io.out.lines(
        renderChecked(
          { file: file.given, name: workflow?.name, steps, problems },
          io.out.width,
          io.out.theme,
        ),
      );
    }
    return problems.length === 0 ? DONE : EXIT_CODES.REFUSED;
  },
});

/** A module that cannot be loaded is told as whoever runs it would be told. */
async function checked(
  file: Parameters<typeof loadProcess>[0],
  cwd: string,
): Promise<{
  readonly workflow: Awaited<ReturnType<typeof loadProcess>> | undefined;
  readonly problems: readonly { readonly line: number; readonly column: number; readonly message: string }[];
}> {
  if (!isWorkflowFile(file.path)) return { workflow: await loadProcess(file, cwd), problems: [] };
  const { checkWorkflowFile } = await import('../workflow-file/load-workflow.ts');
  return await checkWorkflowFile(file, cwd, importModule);
}
