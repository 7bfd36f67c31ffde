/** The files of a new project. */
import type { Language } from './project.ts';

interface Settings {
  readonly name: string;
  readonly language: Language;
  readonly version: string;
}

type File = readonly [path: string, text: string];

export function filesOf(settings: Settings): readonly File[] {
  const { language } = settings;
  return [
    ['package.json', manifestOf(settings)],
    ['.gitignore', 'node_modules/\n.pawl/\n'],
    ['README.md', readmeOf(settings)],
    [`src/order.${language}`, processOf(language)],
    [`test/order.test.${language}`, testOf(language)],
    ...(language === 'ts' ? [['tsconfig.json', TSCONFIG] as const] : []),
  ];
}

function manifestOf({ name, language, version }: Settings): string {
  const own = `^${version}`;
  const manifest = {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=22.18' },
    scripts: {
      start: `pawl run src/order.${language} --input '{"item":"lamp","cents":900}'`,
      resume: 'pawl resume --all',
      show: 'pawl show',
      test: `node --test test/order.test.${language}`,
    },
    dependencies: { '@pawl/cli': own, '@pawl/runtime': own, '@pawl/sdk': own },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

const TSCONFIG = `${JSON.stringify(
  {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable'],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      skipLibCheck: true,
    },
    include: ['src', 'test'],
  },
  null,
  2,
)}\n`;

/** Types are marked by the caller, and left out in JavaScript. */
function typed(language: Language, text: string): string {
  return language === 'ts' ? text : '';
}

function processOf(language: Language): string {
  const t = (text: string): string => typed(language, text);
  return `import { defineProcess, defineTask } from '@pawl/sdk';

// A task does something in the world. A crash can hide that it was done, so each says what happens then: these
// may run again. ('ask' leaves it to a person, 'check' looks first.)
export const reserve = defineTask({
  name: 'reserve',
  onUnknown: 'retry',
  run: async (item${t(': string')}) => ({ item, shelf: 7 }),
});

// Whoever is called with the same key twice does it once.
export const charge = defineTask({
  name: 'charge',
  onUnknown: 'retry',
  retry: { attempts: 3, delay: '1s' },
  run: async ({ cents }${t(': { cents: number }')}, task) => ({ receipt: \`\${task.idempotencyKey.slice(0, 8)}-\${cents}\` }),
});

export const ship = defineTask({
  name: 'ship',
  onUnknown: 'retry',
  run: async ({ item, shelf }${t(': { item: string; shelf: number }')}) => \`\${item} from shelf \${shelf}\`,
});

// A process decides what is done. It is recorded step by step, and runs again from the start to go on: so it reads
// no clock and no file itself, and all that it needs comes from tasks.
export default defineProcess({
  name: 'order',
  run: async ({ item, cents }${t(': { item: string; cents: number }')}, ctx) => {
    const reserved = await ctx.task(reserve, item);
    const { receipt } = await ctx.task(charge, { cents });
    await ctx.sleep('3s');
    return { receipt, shipped: await ctx.task(ship, reserved) };
  },
});
`;
}

function testOf(language: Language): string {
  return `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashEverywhere, mock, testRuntime } from '@pawl/runtime/testing';
import order, { charge } from '../src/order.${language}';

const paid = mock(charge, () => ({ receipt: 'r-1' }));

test('an order is charged, and shipped', async () => {
  await using runtime = await testRuntime({ tasks: [paid] });
  const result = await runtime.start(order, { item: 'lamp', cents: 900 }).result();
  assert.deepEqual(result, { receipt: 'r-1', shipped: 'lamp from shelf 7' });
});

test('wherever its program dies, the order comes to the same end', async () => {
  const report = await crashEverywhere(order, { item: 'lamp', cents: 900 }, { tasks: [paid] });
  assert.ok(report.ok, report.text);
});
`;
}

function readmeOf({ name, language }: Settings): string {
  return `# ${name}

\`src/order.${language}\` is a process of [Pawl](https://www.npmjs.com/package/@pawl/cli): each step is recorded in \`.pawl/journal.db\`, and what was done is never done again.

| command          |                                                            |
| ---------------- | ---------------------------------------------------------- |
| \`npm start\`      | runs the process; kill it while it sleeps                  |
| \`npm run resume\` | goes on where it was                                       |
| \`npm run show\`   | shows the newest run, call by call                         |
| \`npm test\`       | tests it in virtual time, and crashes it at every place    |
| \`npx pawl\`       | everything else: \`npx pawl why\`, \`npx pawl timeline\`, …     |
`;
}
