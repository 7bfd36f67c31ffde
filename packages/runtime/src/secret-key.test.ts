import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { secretKeySource } from './secret-key.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');
const OTHER = Buffer.alloc(32, 9).toString('hex');
const CANARY = 'canary-51d2';

const folder = mkdtempSync(join(tmpdir(), 'pawl-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...more,
});

/** A source over a command, with a clock that a test sets. */
function source(command: string, commandMs?: number): { readonly ask: () => unknown; now: number } {
  const clock = {
    now: 0,
    ask: () => {
      try {
        return get();
      } catch (error) {
        return error;
      }
    },
  };
  const get = secretKeySource({ secretKeyCommand: command }, env(), () => clock.now, commandMs);
  return clock;
}

describe('the key of secrets', () => {
  it.each<[object, Record<string, string>, string | undefined]>([
    [{}, {}, undefined],
    [{}, { PAWL_SECRET_KEY: '', PAWL_SECRET_KEY_COMMAND: ' ' }, undefined],
    [{}, { PAWL_SECRET_KEY: OTHER }, Buffer.from(OTHER, 'hex').toString('base64')],
    [{}, { PAWL_SECRET_KEY_COMMAND: `echo ${KEY}` }, KEY],
    [{}, { PAWL_SECRET_KEY: KEY, PAWL_SECRET_KEY_COMMAND: 'exit 1' }, KEY],
    [{ secretKey: KEY, secretKeyCommand: 'exit 1' }, { PAWL_SECRET_KEY: OTHER }, KEY],
    [{ secretKeyCommand: `printf ${KEY}` }, { PAWL_SECRET_KEY: OTHER }, KEY],
  ])('%j with %j is %s', (options, variables, key) => {
    expect(secretKeySource(options, env(variables), () => 0)()).toBe(key);
  });

  it('comes from a command that is run once, and not before a secret needs it', () => {
    const count = join(folder, 'count');
    writeFileSync(count, '');
    const keys = source(`echo x >> '${count}'; echo ${KEY}`);
    expect(readFileSync(count, 'utf8')).toBe('');
    expect([keys.ask(), keys.ask(), keys.ask()]).toEqual([KEY, KEY, KEY]);
    expect(readFileSync(count, 'utf8')).toBe('x\n');
  });

  it.each([
    [`echo ${CANARY}; echo ${CANARY} >&2; exit 3`, 'ended with exit code 3'],
    [`echo ${CANARY}`, 'prints no key'],
    [`echo ${KEY} ${CANARY}`, 'prints no key'],
    ['true', 'prints no key'],
    [`while true; do echo ${CANARY}; done`, 'prints more than a key'],
    [`/nowhere/${CANARY}`, 'ended with exit code 127'],
    ['kill -9 $$', 'was ended by SIGKILL'],
  ])('a command that fails tells why, and nothing of what it printed: %s', (command, why) => {
    const error = source(command).ask() as Error;
    expect(error).toMatchObject({ code: 'REFUSED', message: expect.stringContaining(why) });
    const text = `${error.message} ${error.stack} ${JSON.stringify(error)} ${String(Reflect.get(error, 'hint'))}`;
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain(KEY);
  });

  it('is bounded in time, and nothing that the command started is left', async () => {
    const pid = join(folder, 'pid');
    const from = performance.now();
    const error = source(`sleep 60 & echo $! > '${pid}'; wait`, 300).ask();
    expect(performance.now() - from).toBeLessThan(5000);
    expect(error).toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('took more than 0.3 s'),
    });
    const child = Number(readFileSync(pid, 'utf8'));
    const state = (): string => {
      try {
        return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1] ?? 'gone';
      } catch {
        return 'gone';
      }
    };
    // The signal is on its way.
    await vi.waitFor(() => expect(['gone', 'Z', 'X']).toContain(state()));
  });

  it('is asked for again where it failed, though not at once', () => {
    const count = join(folder, 'tries');
    writeFileSync(count, '');
    const keys = source(`echo x >> '${count}'; test -e '${folder}/unlocked' && echo ${KEY}`);
    const tries = (): number => readFileSync(count, 'utf8').length / 2;
    expect([keys.ask(), keys.ask()]).toEqual([expect.any(Error), expect.any(Error)]);
    expect(tries()).toBe(1);
    writeFileSync(join(folder, 'unlocked'), '');
    keys.now = 29_999;
    expect([keys.ask(), tries()]).toEqual([expect.any(Error), 1]);
    keys.now = 30_000;
    expect([keys.ask(), tries()]).toEqual([KEY, 2]);
  });

  it.each([[''], [' '], [7], [['pass']]])('a command of another form is refused: %j', (command) => {
    expect(() => secretKeySource({ secretKeyCommand: command }, env(), () => 0)).toThrow(
      'a command that prints',
    );
  });
});
