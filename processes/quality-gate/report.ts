/** The report of the quality gate: functions of what was measured, so that a replay makes the same one. */
import { stripVTControlCharacters } from 'node:util';

export interface Source {
  readonly path: string;
  readonly bytes: number;
  readonly lines: number;
  /** In characters. */
  readonly longestLine: number;
  /** Lines that say TODO or FIXME. */
  readonly todos: number;
  readonly sha256: string;
}

export interface Check {
  readonly name: string;
  readonly passed: boolean;
  /** What a failed check printed at its end; empty where it passed. */
  readonly output: string;
}

interface Totals {
  readonly files: number;
  readonly lines: number;
  readonly bytes: number;
  readonly todos: number;
}

export interface Report {
  readonly passed: boolean;
  readonly checks: readonly Check[];
  readonly totals: Totals;
  /** By the ending of the name. */
  readonly kinds: readonly ({ readonly kind: string } & Totals)[];
  readonly longest: readonly Source[];
  /** Paths of files with the same content. */
  readonly copies: readonly (readonly string[])[];
}

const OUTPUT_LINES = 40;
const LONGEST_FILES = 10;

export function reportOf(sources: readonly Source[], checks: readonly Check[]): Report {
  const byKind = Object.groupBy(sources, ({ path }) => path.slice(path.lastIndexOf('.')));
  const byContent = Object.groupBy(
    sources.filter(({ bytes }) => bytes > 0),
    ({ sha256 }) => sha256,
  );
  return {
    passed: checks.every(({ passed }) => passed),
    checks: checks.map((check) => ({ ...check, output: tail(check.output) })),
    totals: totalsOf(sources),
    kinds: Object.entries(byKind)
      .map(([kind, files = []]) => ({ kind, ...totalsOf(files) }))
      .toSorted((a, b) => b.lines - a.lines),
    longest: sources.toSorted((a, b) => b.lines - a.lines).slice(0, LONGEST_FILES),
    copies: Object.values(byContent)
      .map((files = []) => files.map(({ path }) => path))
      .filter((paths) => paths.length > 1),
  };
}

function totalsOf(sources: readonly Source[]): Totals {
  const sum = (of: (source: Source) => number): number =>
    sources.reduce((total, source) => total + of(source), 0);
  return {
    files: sources.length,
    lines: sum(({ lines }) => lines),
    bytes: sum(({ bytes }) => bytes),
    todos: sum(({ todos }) => todos),
  };
}

function tail(output: string): string {
  return stripVTControlCharacters(output).split('\n').slice(-OUTPUT_LINES).join('\n');
}

export function toMarkdown({ passed, checks, totals, kinds, longest, copies }: Report): string {
  const failures = checks.filter((check) => !check.passed);
  const sections = [
    `# Quality report: ${passed ? 'passed' : 'FAILED'}`,
    table(
      ['check', 'result'],
      checks.map((check) => [check.name, check.passed ? 'passed' : '**failed**']),
    ),
    ...failures.map(({ name, output }) => `## ${name}\n\n${indented(output)}`),
    '## Sources',
    table(
      ['kind', 'files', 'lines', 'bytes', 'TODO'],
      [...kinds, { kind: 'all', ...totals }].map((row) => [
        row.kind,
        row.files,
        row.lines,
        row.bytes,
        row.todos,
      ]),
    ),
    '## Longest files',
    table(
      ['file', 'lines', 'longest line'],
      longest.map(({ path, lines, longestLine }) => [path, lines, longestLine]),
    ),
    ...(copies.length === 0 ? [] : ['## Copies', ...copies.map((paths) => `- ${paths.join(', ')}`)]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Code by indentation: no output can end it. */
function indented(output: string): string {
  return output.replace(/^/gm, '    ');
}
