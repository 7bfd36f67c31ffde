/** `npm create pawl [folder]`: asks only where somebody sits at a terminal and has not said --yes. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { LANGUAGES, makeProject, nextSteps, ProjectRefusal, type Language } from './project.ts';

const USAGE = `npm create pawl@latest [folder] -- [options]

Makes a project with a process, its tests and scripts. Nothing that is there is written over.

  --js         JavaScript instead of TypeScript
  -y, --yes    ask nothing
  -h, --help   print this`;

interface Wish {
  readonly folder: string;
  readonly language: Language;
}

await main();

async function main(): Promise<void> {
  try {
    const wish = await wishOf(process.argv.slice(2));
    if (wish === undefined) return;
    const { name, files } = makeProject({ ...wish, version: ownVersion() });
    const next = nextSteps(wish.folder);
    const width = Math.max(...next.map(([command]) => command.length));
    tell(
      `${name}: ${files.join(', ')}`,
      '',
      'next',
      ...next.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`),
    );
  } catch (error) {
    if (!(error instanceof ProjectRefusal)) throw error;
    process.stderr.write(`✗ ${error.message}\n  → ${error.hint}\n`);
    process.exitCode = 2;
  }
}

/** Undefined where there is nothing to make. @throws ProjectRefusal */
async function wishOf(argv: readonly string[]): Promise<Wish | undefined> {
  const { values, positionals } = parsed(argv);
  if (values.help === true) {
    tell(USAGE);
    return undefined;
  }
  const language = values.js === true ? 'js' : 'ts';
  const [folder] = positionals;
  const isAsked = process.stdin.isTTY && process.stdout.isTTY && values.yes !== true;
  if (isAsked) return await asked(folder, values.js === true ? 'js' : undefined);
  return { folder: folder ?? 'pawl-project', language };
}

function parsed(argv: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(argv);
  } catch (error) {
    throw new ProjectRefusal(
      error instanceof Error ? error.message : String(error),
      'npm create pawl@latest -- --help',
    );
  }
}

function parse(argv: readonly string[]): {
  readonly values: { readonly js?: boolean; readonly yes?: boolean; readonly help?: boolean };
  readonly positionals: readonly string[];
} {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      js: { type: 'boolean' },
      yes: { type: 'boolean', short: 'y' },
      help: { type: 'boolean', short: 'h' },
    },
  });
}

async function asked(folder: string | undefined, language: Language | undefined): Promise<Wish | undefined> {
  const { isCancel, select, text } = await import('@clack/prompts');
  const where = folder ?? (await text({ message: 'Where shall it be?', initialValue: 'pawl-project' }));
  if (isCancel(where)) return undefined;
  const labels: Readonly<Record<Language, string>> = {
    ts: 'TypeScript (Node runs it as it is)',
    js: 'JavaScript',
  };
  const options = LANGUAGES.map((value) => ({ value, label: labels[value] }));
  const how = language ?? (await select({ message: 'In which language?', options }));
  return isCancel(how) ? undefined : { folder: where, language: how };
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { readonly version?: unknown }).version);
}

function tell(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
