import { BenchFailure } from './failure.ts';

/** What a program counted beside the time. Milliseconds, bytes and microseconds are in the names. */
export type CountName =
  | 'commits'
  | 'rows'
  | 'cpuMicros'
  | 'delayP99Ms'
  | 'delayMaxMs'
  | 'statements'
  | 'speedUp'
  | 'aloneMs'
  | 'besideMs'
  | 'sinceSpawnMs'
  | 'versionMs'
  | 'listMs'
  | 'bareMs';

/** What one program prints: the line of JSON that is the contract with peers, and `counts`, which peers need not have. */
export interface Sample {
  /** Of the work alone, without the start of the program. */
  readonly ms: number;
  readonly steps: number;
  /** Highest resident size of the program. */
  readonly rssBytes: number;
  /** After a checkpoint. */
  readonly diskBytes: number | null;
  /** Highest size of the write-ahead log. */
  readonly walBytes: number | null;
  readonly durability: string;
  readonly note: string;
  readonly counts: Readonly<Partial<Record<CountName, number>>>;
}

/** What a program prints that cannot do a case. */
export interface Skipped {
  readonly skipped: string;
}

export function isSkipped(result: Sample | Skipped): result is Skipped {
  return 'skipped' in result;
}

/** The last line that a program printed. @throws BenchFailure */
export function parseResult(output: string, who: string): Sample | Skipped {
  const line = output.trim().split('\n').at(-1) ?? '';
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new BenchFailure(
      'PROGRAM',
      `${who} printed no line of JSON, but ${JSON.stringify(line.slice(0, 200))}`,
    );
  }
  if (typeof value !== 'object' || value === null)
    throw new BenchFailure('PROGRAM', `${who} printed ${line.slice(0, 200)}, which is no object`);
  const skipped: unknown = Reflect.get(value, 'skipped');
  if (typeof skipped === 'string') return { skipped };
  return sampleOf(new Map<string, unknown>(Object.entries(value)), who);
}

function sampleOf(fields: ReadonlyMap<string, unknown>, who: string): Sample {
  const number = (name: string): number => {
    const value = fields.get(name);
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
    throw new BenchFailure('PROGRAM', `${who} printed ${name}: ${String(value)}; it has to be a number >= 0`);
  };
  const orNull = (name: string): number | null => ((fields.get(name) ?? null) === null ? null : number(name));
  const text = (name: string): string => {
    const value = fields.get(name);
    if (typeof value === 'string') return value;
    throw new BenchFailure('PROGRAM', `${who} printed ${name}: ${String(value)}; it has to be a text`);
  };
  const counts = fields.get('counts');
  return {
    ms: number('ms'),
    steps: number('steps'),
    rssBytes: number('rssBytes'),
    diskBytes: orNull('diskBytes'),
    walBytes: orNull('walBytes'),
    durability: text('durability'),
    note: text('note'),
    // Only our own programs print them.
    counts: typeof counts === 'object' && counts !== null ? (counts as Sample['counts']) : {},
  };
}
