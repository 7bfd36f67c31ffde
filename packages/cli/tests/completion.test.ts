import { spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { COMMANDS } from '../src/command-list.ts';
import { Folder } from './here.fixture.ts';
import { HELLO } from './pawl.fixture.ts';

// What the shells complete, asked of the shells themselves where they are installed.

const folder = new Folder();
const BIN = join(import.meta.dirname, '..', 'bin', 'pawl.js');

beforeAll(async () => {
  folder.write('hello.ts', HELLO);
  expect((await folder.pawl('run', 'hello.ts', '--id', 'run-one', '-i', '{"name":"x"}')).code).toBe(0);
  folder.write('pawl', `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(join(folder.path, 'pawl'), 0o755);
});

afterAll(() => folder[Symbol.dispose]());

function shell(program: string, script: string): string[] {
  const { stdout, stderr, status } = spawnSync(program, ['-c', script], {
    cwd: folder.path,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, PATH: `${folder.path}:${process.env['PATH'] ?? ''}` },
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter(Boolean);
}

const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

describe('asked', () => {
  const asked = async (...words: readonly string[]): Promise<string[]> => {
    const { code, stdout, stderr } = await folder.pawl('__complete', ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']));
  };

  test('commands, options, runs, calls, processes and choices', async () => {
    expect(await asked('')).toEqual(COMMANDS.map(({ name }) => name));
    expect(await asked('list', '--li')).toEqual(['--limit']);
    expect(await asked('list', '--status', 'f')).toEqual(['failed']);
    expect(await asked('show', '')).toEqual(['run-one']);
    expect(await asked('resolve', 'run-one', '')).toEqual(['0']);
    expect(await asked('stats', '')).toEqual(['hello']);
    expect(await asked('run', 'he')).toEqual([':files']);
    expect(await asked('show', '--db', '')).toEqual([':files']);
    expect(await asked('show', '--db', 'none.db', '')).toEqual([]);
    expect(await asked('nothing', '')).toEqual([]);
  });
});

test('bash', () => {
  const typed = (line: string): string[] =>
    shell(
      'bash',
      `source <(pawl completion bash); complete -p pawl >/dev/null
       COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _pawl; printf '%s\\n' "\${COMPREPLY[@]}"`,
    );
  expect(typed('pawl li')).toEqual(['list']);
  expect(typed(`pawl show ''`)).toEqual(['run-one']);
  expect(typed('pawl run hel')).toEqual(['hello.ts']);
});

test.runIf(isThere('fish'))('fish', () => {
  const typed = (line: string): string[] =>
    shell('fish', `pawl completion fish | source; complete -C '${line}'`);
  expect(typed('pawl li')).toEqual(['list\tlist runs, the newest first']);
  expect(typed('pawl show ')).toEqual(['run-one\thello, succeeded']);
});

test.runIf(isThere('zsh'))('zsh', () => {
  // A line that is typed, and Tab: what the terminal shows then.
  const shown = shell(
    'zsh',
    `zmodload zsh/zpty; zpty z zsh -f -i
     zpty -w z 'PS1=; autoload -U compinit; compinit -u -D; source <(pawl completion zsh); print -r rea''dy'
     zpty -r -m z out '*ready*'; zpty -w -n z $'pawl show run\t'
     zpty -r -m z shown '*show run-one*'; print -r -- "$shown"`,
  );
  expect(shown.join('\n')).toContain('pawl show run-one');
});
