import type { ImpureSite } from '../guard/process-watch.ts';

/** What a bug that a crash brings out looks like. */
export type CrashCause =
  | 'effect outside a task'
  | 'unsafe retry'
  | 'random branch'
  | 'wall clock branch'
  | 'lost message'
  | 'shared mutable state';

/**
 * How a run ended after its crashes: as without them ('same'); with another result or another effect on the world; it asked for
 * something else than it had recorded; it waits for ever; it asks a person what became of a task, as that task says.
 */
export type CrashOutcome = 'same' | 'different' | 'diverged' | 'hangs' | 'asks';

/** Where the program died: around one commit of the journal. */
export interface CrashPoint {
  /** From 1, of the life that it ends. */
  readonly commit: number;
  /** 'before': nothing of it was written, though what it tells has happened; 'after': all of it was written, and nothing that follows from it was done. */
  readonly side: 'before' | 'after';
  /** The commit's events, as `TaskSucceeded 0`. */
  readonly events: readonly string[];
}

/** One run that was crashed, and went on to its end. */
export interface CrashRow {
  /** The call that the first crash is about, as `charge (0)`; null for the run as a whole. */
  readonly step: string | null;
  /** One crash, or the two of a pair. */
  readonly points: readonly CrashPoint[];
  /** How often the task of that step ran, over all lives of the program; null for what is no task. */
  readonly ran: number | null;
  readonly outcome: CrashOutcome;
}

/** A bug that was found. */
export interface CrashFinding {
  readonly cause: CrashCause;
  /** What happened, where, and what to do. */
  readonly message: string;
  /** file:line:column in process code; null where it is not known. */
  readonly where: string | null;
  /** The call that it showed at; null for the run as a whole. */
  readonly key: string | null;
  /** The crash that showed it first; empty where it shows without one. */
  readonly points: readonly CrashPoint[];
  /** In how many of the runs it showed. */
  readonly times: number;
}

export interface CrashReport {
  /** No finding. */
  readonly ok: boolean;
  readonly findings: readonly CrashFinding[];
  readonly rows: readonly CrashRow[];
  /** Places in process code that use chance, the wall clock or effects, whether or not they did harm. */
  readonly impure: readonly ImpureSite[];
  /** Of crash points, and of pairs of them: how many there are and how many were tried. */
  readonly points: { readonly all: number; readonly tried: number };
  readonly pairs: { readonly all: number; readonly tried: number };
  /** All this for people. */
  readonly text: string;
}

export function pointText({ commit, side, events }: CrashPoint): string {
  return `${side} commit ${commit} (${events.join(', ')})`;
}

export function pointsText(points: readonly CrashPoint[]): string {
  return points.map(pointText).join(', then ');
}

const WIDEST = 72;

export function reportText(report: Omit<CrashReport, 'text'>): string {
  const { findings, rows, points, pairs, impure } = report;
  const lines = [countText('crash points', points), ...(pairs.all === 0 ? [] : [countText('pairs', pairs)])];
  lines.push(findings.length === 0 ? 'No bug was found.' : `${findings.length} found:`, '');
  for (const { cause, message, times } of findings) lines.push(`${cause} (${times} x): ${message}`, '');
  const harmless = impure.filter(({ where }) => findings.every((finding) => finding.where !== where));
  for (const { name, where } of harmless)
    lines.push(`note: process code uses ${name} at ${where ?? 'an unknown place'}; it did no harm here`, '');
  lines.push(...table(rows));
  return `${lines.join('\n')}\n`;
}

function countText(what: string, { all, tried }: { readonly all: number; readonly tried: number }): string {
  return `${tried} of ${all} ${what} tried${tried < all ? ': not all of them' : ''}.`;
}

function table(rows: readonly CrashRow[]): string[] {
  const cells = [
    ['step', 'ran', 'outcome', 'crash'],
    ...rows.map(({ step, points, ran, outcome }) => [
      step ?? 'run',
      ran === null ? '-' : String(ran),
      outcome,
      short(pointsText(points)),
    ]),
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function short(text: string): string {
  return text.length <= WIDEST ? text : `${text.slice(0, WIDEST - 1)}…`;
}
