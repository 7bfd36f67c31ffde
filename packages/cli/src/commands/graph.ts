import { RuntimeError } from '@pawl/runtime';

import { choice, COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { loadProcess } from '../load-process.ts';
import { findModule } from '../module-file.ts';
import { renderGraph } from '../render/graph.ts';
import { jsonLine } from '../render/json.ts';
import { isWorkflow } from '../workflow-definition.ts';

export const graphCommand: Command = defineCommand({
  description: 'Prints the graph of a workflow as text for Mermaid or Graphviz.',
  arguments: [
    { name: '<file>', description: 'a workflow (.yaml, .yml, .json), or a module that exports one' },
  ],
  options: {
    format: choice('-f, --format <format>', 'mermaid (default) or dot', ['mermaid', 'dot'], 'mermaid'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl graph flow.yaml', what: 'for a page in Markdown' },
    { command: 'pawl graph flow.ts --format dot | dot -Tsvg > flow.svg', what: 'as a picture' },
  ],
  run: async ({ args, options, io }) => {
    const file = findModule(args[0] ?? '', io.cwd);
    const workflow = await loadProcess(file, io.cwd);
    if (!isWorkflow(workflow)) {
      throw new RuntimeError(
        'REFUSED',
        `${file.given} is a process in code, which has no graph before it runs.`,
        {
          hint: 'Make it a workflow: defineWorkflow({ name, steps })',
        },
      );
    }
    const lines = renderGraph(workflow.plan, options.format);
    if (options.json) io.out.line(jsonLine({ format: options.format, graph: lines.join('\n') }));
    else io.out.lines(lines);
    return DONE;
  },
});
