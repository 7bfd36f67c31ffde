import { PassThrough } from 'node:stream';

import { expect, test } from 'vitest';

import { COMMANDS } from './command-list.ts';
import { main } from './main.ts';
import { Screen, type Io } from './terminal.ts';

test.each(COMMANDS.map((listed) => [listed.name, listed] as const))(
  '%s: help, options and examples fit',
  async (_name, { summary, load }) => {
    const command = await load();
    expect(summary).toMatch(/^[a-z]/);
    expect(command.examples.length).toBeGreaterThan(0);
    for (const { command: example } of command.examples) expect(example).toMatch(/^pawl /);
    for (const [name, { flags, description }] of Object.entries(command.options)) {
      // The name in the table is the one that the parser gives.
      const long = /--(?:no-)?([\w-]+)/.exec(flags)?.[1] ?? '';
      expect(long.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())).toBe(name);
      expect(description).toMatch(/^[a-z'$]/);
    }
    expect(Object.keys(command.options)).toEqual(expect.arrayContaining(['db', 'json', 'debug']));
  },
);

test('short options are unambiguous in each command', async () => {
  for (const { load } of COMMANDS) {
    const short = Object.values((await load()).options).flatMap(
      ({ flags }) => /^-(\w)/.exec(flags)?.[1] ?? [],
    );
    expect(new Set(short).size).toBe(short.length);
  }
});

/** `main` with a world of its own, 80 columns wide. */
async function say(...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const streams = { out: new PassThrough(), err: new PassThrough() };
  const screenOf = (stream: PassThrough): Screen => new Screen(stream as unknown as NodeJS.WriteStream, {});
  const io: Io = {
    out: screenOf(streams.out),
    err: screenOf(streams.err),
    env: {},
    cwd: '/nowhere',
    now: () => 0,
    readStdin: async () => '',
    unfinished: new Set(),
    exit: () => undefined,
  };
  const code = await main(argv, io);
  const textOf = (stream: PassThrough): string => String((stream.read() as Buffer | null) ?? '');
  return { code, out: textOf(streams.out), err: textOf(streams.err) };
}

test('help names every command, and each has its own', async () => {
  const { code, out, err } = await say('--help');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const { name, summary, load } of COMMANDS) {
    const { examples } = await load();
    expect(out).toMatch(new RegExp(`^  ${name} +${summary.split(' ', 2).join(' ')}`, 'm'));
    const help = await say('help', name);
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(await say(name, '--help')).toEqual(help);
    expect(help.out).toContain(`Usage: pawl ${name}`);
    for (const { command } of examples) expect(help.out).toContain(command);
    for (const line of help.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  }
});

test('without a command it is help; a mistyped one gets a suggestion', async () => {
  expect(await say()).toEqual(await say('--help'));
  for (const [typed, meant] of [
    ['rn', 'run'],
    ['lst', 'list'],
    ['evnts', 'events'],
    ['verfy', 'verify'],
  ]) {
    expect(await say(typed ?? '')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(`Did you mean ${meant}?`) as string,
    });
  }
});
