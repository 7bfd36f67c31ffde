/** Journals that are encrypted, in a temporary folder of their test. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineTask, externalTask, type Context, type TaskContext } from '@pawl/sdk';
import { expect, onTestFinished } from 'vitest';

export const KEY = Buffer.alloc(32, 1).toString('base64');
export const OTHER_KEY = Buffer.alloc(32, 2).toString('hex');
export const CANARY = 'canary-7c41';

/** In a folder of its own, where nothing is yet. */
export function freshPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-encryption-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'journal.db');
}

/** Everything that lies beside the journal, too: its log, its shared memory, copies. */
export function filesOf(path: string): readonly (readonly [name: string, bytes: Buffer])[] {
  return readdirSync(dirname(path)).map((name) => [name, readFileSync(join(dirname(path), name))]);
}

/** Of the canary's own bytes in every alignment that base64 can have, too. */
const NEEDLES: readonly Buffer[] = [
  Buffer.from(CANARY),
  Buffer.from(CANARY, 'utf16le'),
  Buffer.from(Buffer.from(CANARY).toString('hex')),
  ...['', 'x', 'xx'].map((lead) => {
    const text = Buffer.from(lead + CANARY).toString('base64');
    return Buffer.from(text.slice(lead === '' ? 0 : 4, 12));
  }),
];

export function expectClean(path: string, where: string): void {
  const found = filesOf(path).flatMap(([name, bytes]) =>
    NEEDLES.filter((needle) => bytes.includes(needle)).map(
      (needle) => `${where}, ${name}: ${needle.toString('latin1')}`,
    ),
  );
  expect(found).toEqual([]);
}

const look = defineTask({
  name: 'look',
  retry: { attempts: 2, delay: 1 },
  run: async ({ of }: { readonly of: string }, task: TaskContext) => {
    await task.progress({ of });
    if (task.attempt === 1) throw Object.assign(new Error(`no ${of}`), { details: [of] });
    return { seen: of };
  },
});
const kept = defineTask({
  name: 'kept',
  cache: { ttl: 60_000 },
  run: (of: string) => `kept ${of}`,
});
const failing = defineTask({
  name: 'failing',
  run: ({ of }: { readonly of: string }): never => {
    throw new TypeError(`never ${of}`);
  },
});
const drawn = externalTask<{ readonly of: string }, string>({ name: 'drawn' });
const child = {
  name: 'child',
  run: async ({ of }: { readonly of: string }) => ({ child: of }),
};

async function* pulled(of: string): AsyncGenerator<string, void, void> {
  yield `${of} 0`;
  yield `${of} 1`;
}

interface Given {
  readonly of: string;
  readonly again?: boolean;
}

/** Puts what it is given wherever a value can stand, waits for people and others, and goes on as another run. */
export const everything = {
  name: 'everything',
  run: async ({ of, again }: Given, ctx: Context): Promise<unknown> => {
    if (again === true) throw new Error(`the end of ${of}`);
    ctx.setState('of', { of });
    ctx.setState('short', of);
    const told: unknown[] = [await ctx.task(look, { of }), await ctx.task(kept, of)];
    await ctx.task(failing, { of }).catch((error: unknown) => told.push(String(error)));
    told.push(await ctx.run(child, { of }));
    told.push(
      await ctx.parallel.all([
        () => ctx.task(drawn, { of }, { key: 'drawn' }),
        () =>
          ctx.breakpoint(
            { title: of, question: `Is it ${of}?`, context: { of }, options: [of, 'b'] },
            { key: 'ask' },
          ),
        () => ctx.receive('word', { prompt: `say ${of}`, data: { of }, key: 'word' }),
      ]),
    );
    told.push(await ctx.reduce(pulled(of), '', (sum, item) => `${sum} ${item}`));
    return ctx.continueAsNew({ of, again: true });
  },
};
