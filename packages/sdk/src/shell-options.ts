import { InvalidOptionError } from './errors.ts';

/** The options of a command, as a JavaScript caller may give them. */
interface CommandOptions {
  readonly command?: unknown;
  readonly cwd?: unknown;
  readonly env?: unknown;
  readonly input?: unknown;
  readonly okExitCodes?: unknown;
  readonly maxOutputBytes?: unknown;
}

/** @throws InvalidOptionError */
export function checkCommandOptions(options: CommandOptions): void {
  const { command, cwd, env, input, okExitCodes, maxOutputBytes } = options;
  if (typeof command !== 'function' && !isCommand(command))
    throw new InvalidOptionError(
      'command',
      command,
      'a command line, a list of a program and its arguments, or a function that gives one of them',
    );
  if (cwd !== undefined && typeof cwd !== 'string') throw new InvalidOptionError('cwd', cwd, 'a path');
  if (env !== undefined && !isEnvironment(env))
    throw new InvalidOptionError('env', env, 'an object of strings');
  if (input !== undefined && typeof input !== 'string')
    throw new InvalidOptionError('input', input, 'a string');
  if (okExitCodes !== undefined && !isListOf(okExitCodes, Number.isInteger))
    throw new InvalidOptionError('okExitCodes', okExitCodes, 'a list of integers');
  if (maxOutputBytes !== undefined && !(Number.isInteger(maxOutputBytes) && Number(maxOutputBytes) >= 0))
    throw new InvalidOptionError('maxOutputBytes', maxOutputBytes, 'an integer >= 0');
}

function isCommand(command: unknown): boolean {
  if (typeof command === 'string') return command.trim() !== '';
  return isListOf(command, isText) && Array.isArray(command) && command[0] !== undefined && command[0] !== '';
}

function isEnvironment(env: unknown): boolean {
  return typeof env === 'object' && env !== null && !Array.isArray(env) && Object.values(env).every(isText);
}

function isListOf(list: unknown, is: (entry: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(is);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
