/** The tables of docs/performance.md, as they were measured last. */
import { numberText, rangeText } from './number-text.ts';
import { isMet, type CaseReport, type Report, type SubjectReport } from './report.ts';
import { BenchFailure } from './failure.ts';
import { isDurable } from './round.ts';

/** @returns the text with the tables of a report in it, each between its two marks. @throws BenchFailure USAGE */
export function withTables(text: string, report: Report): string {
  const tables = { machine: machineText(report), figures: figureTable(report), peers: peerTable(report) };
  return Object.entries(tables).reduce((before, [name, table]) => between(before, name, table), text);
}

function between(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- pnpm bench: ${name} -->`, `<!-- ${name} end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new BenchFailure('USAGE', `the page has no ${begin} … ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`;
}

function machineText({ at, rounds, machine, doubts, cases }: Report): string {
  const { cpu, cores, node, sqlite } = machine;
  const raw = cases.find(({ id }) => id === 'raw')?.subjects[0]?.speed;
  const commits =
    raw === null || raw === undefined ? '' : `, which gave ${numberText(raw.median)} raw commits a second`;
  const busy = doubts.length === 0 ? '' : ` ${doubts.join(' ')}`;
  return `Medians and ranges of ${rounds} rounds on ${at.slice(0, 10)}, on ${cores} cores of ${cpu} and a virtual disk${commits}; Node ${node}, SQLite ${sqlite}.${busy}`;
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Each figure beside its goal. */
function figureTable({ cases }: Report): string {
  const rows = cases.flatMap((each) =>
    each.figures.map((figure, place) => {
      const { name, unit, better, goal, median } = figure;
      const met = isMet(figure);
      const asked = goal === null ? '' : `${better === 'more' ? '≥' : '≤'} ${numberText(goal)}`;
      const [id, title] = place === 0 ? [each.id, each.title] : ['', ''];
      const word = met === undefined ? '' : met ? 'met' : 'missed';
      return rowOf([id, title, name, `${numberText(median)} ${unit}`, rangeText(figure), asked, word]);
    }),
  );
  return [
    rowOf(['', 'case', 'figure', 'median', 'range', 'goal', '']),
    rowOf(['-', '-', '-', '-:', '-:', '-:', '-']),
    ...rows,
  ].join('\n');
}

/** Ours and the others, in the cases that the others were measured in. */
function peerTable({ cases }: Report): string {
  const shared = cases.filter(({ subjects }) => subjects.some(({ kind }) => kind === 'peer'));
  const shown = (who: string): readonly SubjectReport[] =>
    shared.flatMap(({ subjects }) => subjects.filter((each) => each.who === who && each.speed !== null));
  const names = shared.flatMap(({ subjects }) =>
    subjects.flatMap(({ who, kind }) => (kind === 'peer' || OURS.has(who) ? [who] : [])),
  );
  const rows = [...new Set(names)]
    .filter((who) => shown(who).length > 0)
    .map((who) => {
      const durable = shown(who).every(({ durability }) => isDurable({ durability }));
      return rowOf([durable ? who : `${who} \`*\``, ...shared.map((each) => cellOf(each, who))]);
    });
  return [
    rowOf(['', ...shared.map(({ id, title, speed }) => `${title}, ${id === 'E' ? 'peak MiB' : speed}`)]),
    rowOf(['-', ...shared.map(() => '-:')]),
    ...rows,
  ].join('\n');
}

const OURS: ReadonlySet<string> = new Set(['Pawl', 'Pawl, durability normal']);

function cellOf({ id, subjects }: CaseReport, who: string): string {
  const subject = subjects.find((each) => each.who === who);
  const spread = id === 'E' ? subject?.counts['RSS, MiB'] : (subject?.speed ?? undefined);
  return spread === undefined ? '' : numberText(spread.median);
}
