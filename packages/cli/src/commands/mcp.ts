import { statSync } from 'node:fs';
import { resolve } from 'node:path';

import { COMMON_OPTIONS, defineCommand, flag, text, usage, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { loadMcp, PAWL_COMMAND } from '../mcp-package.ts';

export const mcpCommand: Command = defineCommand({
  description:
    'An MCP server on stdin and stdout, for agents: it looks at a journal, and with --allow-write it starts, answers and cancels runs. The client starts it; it ends with the client.',
  arguments: [],
  options: {
    allowWrite: flag('--allow-write', 'tools that start, resume, answer and cancel runs, too'),
    folder: text('--folder <folder>', 'where the journal and the modules are (default: this folder)'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl mcp', what: 'look only' },
    { command: 'pawl mcp --folder ~/orders --allow-write', what: 'and act' },
  ],
  run: async ({ options, io }) => {
    const folder = resolve(io.cwd, options.folder ?? '.');
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw usage(`'${options.folder ?? ''}' is no folder, which --folder takes.`);
    const { serve } = await loadMcp(folder);
    const { db, allowWrite } = options;
    await serve({ command: PAWL_COMMAND, folder, db, env: io.env, allowWrite });
    return DONE;
  },
});
