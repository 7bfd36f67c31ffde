import { externalTask, type Context } from '@pawl/sdk';
import type { Case } from './conformance.fixture.ts';

interface Asked {
  readonly role: string;
  readonly about: string;
}

const agent = externalTask<Asked, { readonly text: string; readonly score: number }>({
  name: 'agent',
  kind: 'agent',
  title: ({ role, about }) => `${role} ${about}`,
  retry: { attempts: 2, delay: 20 },
});
const shell = externalTask<{ readonly command: string }, { readonly stdout: string }>({
  name: 'shell',
  kind: 'shell',
  title: ({ command }) => command,
});

const PARTS = ['a', 'b', 'c'];
const ROUNDS = 3;

/**
 * As coding agents drive it: a plan, rounds of parallel work and review until it is good, a sign-off that is refused
 * at first, a message that stops the writing, and a race of two releases. Nothing of it runs in the worker.
 */
async function ship({ parts }: { parts: readonly string[] }, ctx: Context): Promise<unknown> {
  const plan = await ctx.task(agent, { role: 'planner', about: parts.join(' ') });
  const log: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const built = await ctx.parallel.map(parts, async (part) => {
      const code = await ctx.task(agent, { role: 'coder', about: `${part}@${round}` });
      const tested = await ctx.task(shell, { command: `test ${part}` });
      return `${code.text}/${tested.stdout}`;
    });
    const [quality, security] = await ctx.parallel.all([
      () => ctx.task(agent, { role: 'reviewer', about: String(round) }),
      () => ctx.task(agent, { role: 'security', about: String(round) }),
    ]);
    log.push(`${built.join(',')}:${quality.score + security.score}`);
  }
  let asked = 0;
  for (let approved = false; !approved;) {
    asked += 1;
    ({ approved } = await ctx.breakpoint({ title: `Sign ${asked}`, question: 'Release it?' }));
    if (!approved) await ctx.task(agent, { role: 'writer', about: String(asked) });
  }
  const word = await ctx.receive<string>('word');
  const released = await ctx.parallel.race([
    () => ctx.task(shell, { command: 'release fast' }),
    () => ctx.task(shell, { command: 'release slow' }),
  ]);
  return { plan: plan.text, log, asked, word, released: released.stdout };
}

/** What those outside make of a task, by what it is called; undefined for one that they never do. */
function answerTo(task: string, title: string): unknown {
  if (task === 'shell') return title === 'release slow' ? undefined : { stdout: title };
  return { text: title, score: Number(title.split(' ')[1]) || 0 };
}

export const AGENT_SHAPED: Case = {
  name: 'a process in the shape that coding agents drive',
  inputs: { parts: PARTS },
  run: ship,
  outside: async ({ workOff, respond, send }) => {
    await Promise.all([
      workOff(answerTo),
      (async () => {
        await respond('Sign 1', false, 'ada');
        await respond('Sign 2', true, 'ada');
        await send('word', 'go', 'the word');
      })(),
    ]);
  },
  gives: {
    plan: 'planner a b c',
    log: Array.from(
      { length: ROUNDS },
      (_, i) => `${PARTS.map((part) => `coder ${part}@${i + 1}/test ${part}`).join(',')}:${2 * (i + 1)}`,
    ),
    asked: 2,
    word: 'go',
    released: 'release fast',
  },
};
