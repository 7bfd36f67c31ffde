/**
 * `pnpm bench`: measures the table of goals on this machine, raw limits and peers interleaved.
 * `pnpm bench growth [map] [steps] [runs]`: what a step costs as things grow.
 * `pnpm bench flame <profile>`: a processor profile as a picture.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { argv, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

import { casesOf, type Tier } from './cases.ts';
import { chartOf } from './chart.ts';
import { compareReports } from './compare.ts';
import { BenchFailure } from './failure.ts';
import { flameOf, type CpuProfile } from './flame.ts';
import { GROWTHS, measureGrowth, type GrowthName } from './growth.ts';
import { describeMachine, doubtsAbout } from './machine.ts';
import { withTables } from './markdown.ts';
import { measureCase } from './measure.ts';
import { choosePeers, installPeer, type Peer } from './peers.ts';
import { readReport, reportCase, type CaseReport, type Report } from './report.ts';
import { endWithParent } from './spawn.ts';
import { comparisonText, durabilityLines, figureTable, subjectTable } from './tables.ts';

const HELP = `pnpm bench [options]           measures A to J of the goals, raw limits before and after each
pnpm bench growth [map] [steps] [runs]   what a step costs as a map, a run and a file grow
pnpm bench inspector --runs n --events n the page of pawl ui over a large journal, each view timed
pnpm bench beside --minutes n --events n a page beside a run that is written: the log, and the reader's transactions
pnpm bench flame <profile> --svg file    what node --cpu-prof wrote, as a flame graph

  --only A,B         these cases only (raw, A to J)
  --rounds 5         how often each is measured, all of them in turn
  --quick            small sizes, two rounds
  --full             a million recorded steps and a stream of a million items too
  --peers            install the peers (npm, once) and measure them too
  --peer name        only this one; may be given several times
  --json file        write all that was measured
  --svg file         write a chart
  --docs file        put the tables between the marks of a page, such as docs/performance.md
  --compare file     what got worse since that --json, beyond the spreads; exit 1 if something did
  --dir folder       where journals are written (it has to be a disk)
  --durability full|normal, --concurrency n   of the growth tables
`;

const INSPECTOR_COMMANDS = ['inspector', 'beside'] as const;

interface Asked {
  /** A profile that is to be drawn. */
  readonly flame: string | undefined;
  readonly growth: readonly GrowthName[];
  readonly only: readonly string[];
  readonly rounds: number;
  readonly tier: Tier;
  readonly peers: readonly string[];
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly docs: string | undefined;
  readonly compare: Report | undefined;
  readonly folder: string;
  readonly durability: 'full' | 'normal';
  readonly concurrency: number;
}

const CACHE = fileURLToPath(new URL('../node_modules/.cache/', import.meta.url));

function readArguments(): Asked | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      peer: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      svg: { type: 'string' },
      docs: { type: 'string' },
      compare: { type: 'string' },
      dir: { type: 'string', default: CACHE },
      durability: { type: 'string', default: 'full' },
      concurrency: { type: 'string', default: '0' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { durability } = values;
  if (durability !== 'full' && durability !== 'normal')
    throw usage(`--durability is full or normal, not ${durability}`);
  return {
    flame: positionals[0] === 'flame' ? positionals[1] : undefined,
    growth: positionals[0] === 'flame' ? [] : growthsOf(positionals),
    only: values.only?.split(',') ?? [],
    rounds: wholeNumber('--rounds', values.rounds ?? (values.quick ? '2' : '5'), 1),
    tier: values.full ? 'full' : values.quick ? 'quick' : 'standard',
    peers: values.peers || values.peer.length > 0 ? choosePeers(values.peer) : [],
    json: values.json,
    svg: values.svg,
    docs: values.docs,
    compare: values.compare === undefined ? undefined : readReport(values.compare),
    folder: resolve(values.dir),
    durability,
    concurrency: wholeNumber('--concurrency', values.concurrency, 0),
  };
}

function growthsOf([command, ...names]: readonly string[]): GrowthName[] {
  if (command === undefined) return [];
  if (command !== 'growth') throw usage(`there is no ${command}`);
  const chosen = GROWTHS.filter((name) => names.includes(name));
  const unknown = names.find((name) => !GROWTHS.some((each) => each === name));
  if (unknown !== undefined) throw usage(`there is no growth table ${unknown}`);
  return chosen.length === 0 ? [...GROWTHS] : chosen;
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw usage(`${option} is a whole number >= ${least}, not ${text}`);
}

function usage(message: string): BenchFailure {
  return new BenchFailure('USAGE', `${message}\n\n${HELP}`);
}

/** One line on a terminal that is written over, nothing in a pipe. */
function tell(what: string): void {
  if (!stderr.isTTY) return;
  stderr.write(`\r\u001B[2K${stripVTControlCharacters(what).slice(0, (stderr.columns ?? 80) - 1)}`);
}

/** One that cannot be installed here is told of, and the others are measured. */
function installed(asked: Asked, doubts: string[]): Peer[] {
  return asked.peers.flatMap((name) => {
    tell(`installing ${name}`);
    try {
      return [installPeer(name, asked.folder)];
    } catch (error) {
      if (!(error instanceof BenchFailure)) throw error;
      doubts.push(`Not measured: ${error.message.trim()}`);
      return [];
    }
  });
}

async function measureAll(asked: Asked): Promise<Report> {
  const cases = casesOf(asked.tier).filter(({ id }) => asked.only.length === 0 || asked.only.includes(id));
  if (cases.length === 0) throw usage(`no case is ${asked.only.join(', ')}`);
  const machine = describeMachine(asked.folder);
  const doubts = doubtsAbout(machine);
  const peers = installed(asked, doubts);
  const { folder, rounds } = asked;
  const reports: CaseReport[] = [];
  for (const each of cases) {
    const measured = await measureCase(each, { rounds, peers, folder, onStep: tell });
    const report = reportCase(
      each,
      measured,
      peers.map(({ name }) => name),
    );
    reports.push(report);
    tell('');
    // At once: who ends a long measurement early keeps what there is.
    stdout.write(`${each.id}  ${each.title}\n${subjectTable(report)}\n\n`);
  }
  const at = new Date().toISOString();
  return { format: 1, at, tier: asked.tier, rounds, machine, doubts, cases: reports };
}

function show(report: Report, asked: Asked): void {
  const { cpu, cores, os, node, sqlite } = report.machine;
  const lines = [
    ...durabilityLines(report),
    figureTable(report),
    `medians of ${report.rounds} rounds on ${cpu}, ${cores} cores, ${os}, Node ${node}, SQLite ${sqlite}`,
    ...report.doubts,
  ];
  stdout.write(`${lines.join('\n')}\n`);
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(report, undefined, 1)}\n`);
  if (asked.svg !== undefined) writeFileSync(asked.svg, chartOf(report));
  if (asked.docs !== undefined)
    writeFileSync(asked.docs, withTables(readFileSync(asked.docs, 'utf8'), report));
  if (asked.compare === undefined) return;
  const comparison = compareReports(asked.compare, report);
  stdout.write(`\n${comparisonText(comparison)}\n`);
  if (comparison.worse.length > 0) process.exitCode = 1;
}

function drawFlame(path: string, svg: string | undefined): void {
  if (svg === undefined) throw usage('flame takes --svg file');
  // As Node wrote it.
  const profile = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile;
  writeFileSync(svg, flameOf(profile, basename(path, '.cpuprofile')));
}

async function main(): Promise<void> {
  const [, , command, ...args] = argv;
  const inspector = INSPECTOR_COMMANDS.find((name) => name === command);
  if (inspector !== undefined && !args.includes('--help')) {
    endWithParent();
    // Whoever measures steps needs no browser.
    const { inspectorCommand } = await import('./inspector/command.ts');
    if (!(await inspectorCommand(inspector, { args, folder: CACHE, onStep: tell }))) process.exitCode = 1;
    return;
  }
  const asked = readArguments();
  if (asked === undefined) {
    stdout.write(HELP);
    return;
  }
  if (asked.flame !== undefined) {
    drawFlame(asked.flame, asked.svg);
    return;
  }
  mkdirSync(asked.folder, { recursive: true });
  endWithParent();
  if (asked.growth.length === 0) {
    show(await measureAll(asked), asked);
    return;
  }
  for (const name of asked.growth) {
    const table = await measureGrowth(name, { ...asked, onStep: tell });
    tell('');
    stdout.write(`${table}\n\n`);
  }
}

try {
  await main();
} catch (error) {
  // parseArgs throws TypeErrors with a code of its own.
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const isUsage = code === 'USAGE' || String(code).startsWith('ERR_PARSE_ARGS');
  stderr.write(`${error instanceof BenchFailure || isUsage ? String(error) : (error as Error).stack}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
