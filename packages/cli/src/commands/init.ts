import { RuntimeError } from '@pawl/runtime';
import { LANGUAGES, makeProject, nextSteps, ProjectRefusal } from 'create-pawl';

import { choice, COMMON_OPTIONS, defineCommand, flag, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { jsonLine } from '../render/json.ts';
import { renderNext } from '../render/next-commands.ts';
import { CLI_VERSION } from '../version.ts';

export const initCommand: Command = defineCommand({
  description:
    'Makes a project with a process, its tests and scripts, as npm create pawl does. Nothing that is there is written over, and nothing is asked.',
  arguments: [{ name: '[folder]', description: 'where (default: pawl-project)' }],
  options: {
    language: choice('-l, --language <language>', 'ts or js', LANGUAGES, 'ts'),
    yes: flag('-y, --yes', 'ask nothing: it never does'),
    ...COMMON_OPTIONS,
  },
  examples: [
    { command: 'pawl init my-project', what: 'in TypeScript, which Node runs as it is' },
    { command: 'pawl init my-project --language js', what: 'in JavaScript' },
  ],
  run: async ({ args: [folder = 'pawl-project'], options, io }) => {
    const made = makeOrRefuse(folder, options.language);
    const next = nextSteps(folder);
    if (options.json) {
      io.out.line(jsonLine({ ...made, next: next.map(([command]) => command) }));
      return DONE;
    }
    const { theme } = io.out;
    io.out.lines([
      `${theme.bold(made.name)}  ${made.files.join(', ')}`,
      '',
      ...renderNext(
        next.map(([command, why]) => ({ command, why })),
        io.out.width,
        theme,
      ),
    ]);
    return DONE;
  },
});

const CODES = { usage: 'USAGE', refused: 'REFUSED', storage: 'STORAGE' } as const;

/** @throws RuntimeError USAGE, REFUSED, STORAGE */
function makeOrRefuse(folder: string, language: (typeof LANGUAGES)[number]): ReturnType<typeof makeProject> {
  try {
    return makeProject({ folder, language, version: CLI_VERSION });
  } catch (error) {
    if (error instanceof ProjectRefusal)
      throw new RuntimeError(CODES[error.reason], error.message, { hint: error.hint });
    throw error;
  }
}
