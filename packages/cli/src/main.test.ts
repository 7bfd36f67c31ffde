import { expect, test } from 'vitest';

import { COMMANDS } from './main.ts';

test.each(COMMANDS.map((command) => [command.name, command] as const))(
  '%s: help, options and examples fit',
  (_name, command) => {
    expect(command.summary).toMatch(/^[a-z]/);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const { command: example } of command.examples) expect(example).toMatch(/^pawl /);
    for (const [name, { flags, description }] of Object.entries(command.options)) {
      // The name in the table is the one that the parser gives.
      const long = /--([\w-]+)/.exec(flags)?.[1] ?? '';
      expect(long.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())).toBe(name);
      expect(description).toMatch(/^[a-z'$]/);
    }
    expect(Object.keys(command.options)).toEqual(expect.arrayContaining(['db', 'json', 'debug']));
  },
);

test('short options are unambiguous in each command', () => {
  for (const command of COMMANDS) {
    const short = Object.values(command.options).flatMap(({ flags }) => /^-(\w)/.exec(flags)?.[1] ?? []);
    expect(new Set(short).size).toBe(short.length);
  }
});
