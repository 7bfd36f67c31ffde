import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

export const ROOT: string = join(import.meta.dirname, '..');

interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly quiet?: boolean;
}

/** The exit code of a shell command, run with the tools and the Node of the workspace first in PATH. */
export function runCommand(command: string, options: CommandOptions = {}): number {
  const path = [join(ROOT, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);
  const { status } = spawnSync(command, {
    cwd: options.cwd ?? ROOT,
    shell: true,
    stdio: ['ignore', options.quiet === true ? 'ignore' : 'inherit', 'inherit'],
    env: { ...process.env, ...options.env, PATH: path },
  });
  // None: a signal ended it.
  return status ?? 1;
}
