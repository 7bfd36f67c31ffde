import { COMMON_OPTIONS, defineCommand, usage, type Command } from '../command.ts';
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.ts';
import { DONE } from '../exit-codes.ts';
import { jsonLine } from '../render/json.ts';

export const completionCommand: Command = defineCommand({
  description:
    'Prints what makes a shell complete commands, options, runs, processes and calls of pawl. The script asks pawl itself, so that it never has to be made anew.',
  arguments: [{ name: '<shell>', description: SHELLS.join(', ') }],
  options: COMMON_OPTIONS,
  examples: [
    { command: `pawl completion bash >> ~/.bashrc`, what: 'or: source <(pawl completion bash)' },
    { command: 'pawl completion zsh > ~/.zfunc/_pawl', what: 'in a folder of $fpath' },
    {
      command: 'pawl completion fish > ~/.config/fish/completions/pawl.fish',
      what: 'fish finds it by itself',
    },
  ],
  run: async ({ args: [given = ''], options, io }) => {
    if (!isShell(given))
      throw usage(`'${given.slice(0, 80)}' is no shell that pawl knows: ${SHELLS.join(', ')}.`);
    const script = SCRIPTS[given];
    if (options.json) io.out.line(jsonLine({ shell: given, script }));
    else io.out.lines(script.trimEnd().split('\n'));
    return DONE;
  },
});

function isShell(text: string): text is Shell {
  return SHELLS.some((shell) => shell === text);
}
