/** A process drawn by a seed, as text for the real command line, and what it must end with. */
interface Node {
  readonly text: string;
  readonly value: unknown;
}

/** What the modules share: tasks that leave a line in the ledger, on the disk, before they do anything. */
const HEAD = `
import { openSync, writeSync, fsyncSync } from 'node:fs';
import { defineTask } from '@pawl/sdk';

const ledger = openSync('ledger', 'a');
const leave = ({ key, attempt }) => {
  writeSync(ledger, JSON.stringify({ key, attempt }) + '\\n');
  fsyncSync(ledger);
};
const work = defineTask({ name: 'work', maxUnknown: 1000, run: async ({ ms, value }, task) => {
  leave(task);
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return value;
} });
const flaky = defineTask({ name: 'flaky', maxUnknown: 1000, retry: { attempts: 4, delay: 2, factor: 1 },
  run: ({ failures, value }, task) => {
    leave(task);
    if (task.attempt <= failures) throw new RangeError('not at once');
    return value;
  } });
const hopeless = defineTask({ name: 'hopeless', maxUnknown: 1000, run: (value, task) => {
  leave(task);
  throw new RangeError('never ' + value);
} });
`;

/** @param depth how many groups may still be opened within each other */
function drawn(random: () => number, depth: number, label: () => number): Node {
  const pick = random();
  const n = label();
  const ms = Math.floor(random() * 6);
  const some = (): readonly Node[] =>
    Array.from({ length: 2 + Math.floor(random() * 3) }, () => drawn(random, depth - 1, label));
  if (depth === 0 || pick < 0.35) return { text: `ctx.task(work, { ms: ${ms}, value: ${n} })`, value: n };
  if (pick < 0.5) return { text: `ctx.task(flaky, { failures: ${n % 3}, value: ${n} })`, value: n };
  if (pick < 0.58)
    return {
      text: `ctx.task(hopeless, ${n}).catch((error) => error.message)`,
      value: `never ${n}`,
    };
  if (pick < 0.66) return { text: `ctx.sleep(${ms}).then(() => ${n})`, value: n };
  if (pick < 0.78) {
    // Whoever wins says the same.
    const racer = `() => ctx.task(work, { ms: ${ms}, value: ${n} })`;
    return { text: `ctx.parallel.race([${racer}, ${racer}])`, value: n };
  }
  const nodes = some();
  const thunks = nodes.map(({ text }) => `() => ${text}`).join(', ');
  return {
    text: `ctx.parallel.all([${thunks}], { concurrency: ${1 + (n % 3)} })`,
    value: nodes.map(({ value }) => value),
  };
}

export function randomModule(random: () => number): { readonly text: string; readonly expected: unknown } {
  let count = 0;
  const label = (): number => (count += 1);
  const steps = Array.from({ length: 4 + Math.floor(random() * 5) }, () => drawn(random, 2, label));
  const body = steps.map(({ text }) => `  seen.push(await ${text});`).join('\n');
  return {
    text: `${HEAD}\nexport async function process(_, ctx) {\n  const seen = [];\n${body}\n  return seen;\n}\n`,
    expected: steps.map(({ value }) => value),
  };
}
