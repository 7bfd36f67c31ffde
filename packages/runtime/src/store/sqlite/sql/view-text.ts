/** What the views are made of. */

/** JSON is text; a value in it is encoded as in the journal (docs/journal-format.md). */
type ColumnType = 'TEXT' | 'INTEGER' | 'REAL' | 'JSON';

export interface SqlColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly what: string;
}

export interface SqlView {
  readonly name: string;
  readonly what: string;
  readonly columns: readonly SqlColumn[];
}

/** Which of what the views need is in the file. */
export interface SqlPlace {
  /** Where the table is: one that the file is too old to have is an empty one. */
  readonly table: (name: string) => string;
  readonly hasForks: boolean;
  /** The events, with what is sealed in them opened. */
  readonly events: string;
  /** A column that may be sealed. @param place SQL of what it belongs to */
  readonly opened: (place: readonly string[], column: string) => string;
}

interface ColumnText extends SqlColumn {
  readonly sql: string | ((place: SqlPlace) => string);
}

export interface ViewText extends SqlView {
  readonly columns: readonly ColumnText[];
  readonly from: (place: SqlPlace) => string;
}

/** Text of ISO 8601 in UTC with milliseconds, which sorts by time; null for null, and for a time that never comes. */
export function iso(millis: string): string {
  return `strftime('%Y-%m-%dT%H:%M:%fZ', (${millis}) / 1000.0, 'unixepoch')`;
}

/** In milliseconds. */
export const NOW = `cast(unixepoch('subsec') * 1000 as integer)`;

/** `Name: message` of a recorded error in this payload. */
export function errorText(error: string): string {
  return `(${error} ->> '$.name') || ': ' || (${error} ->> '$.message')`;
}

/** Whose rows hold this place of a run. */
function sourceOf({ hasForks }: SqlPlace, run: string, seq: string): string {
  if (!hasForks) return run;
  return `(select l.source from temp.pawl_lineage l where l.run = ${run} and l.upto >= ${seq}
    order by l.upto limit 1)`;
}

/** A join to one row of a run, by its primary key. */
export function rowAt(place: SqlPlace, alias: string, run: string, seq: string): string {
  return `${place.events} ${alias} on ${alias}.run = ${sourceOf(place, run, seq)} and ${alias}.seq = ${seq}`;
}

/** A column, or an expression over `x`, of one row of a run. */
export function valueAt(place: SqlPlace, run: string, seq: string, expression: string): string {
  return `(select ${expression} from ${place.events} x where x.run = ${sourceOf(place, run, seq)} and x.seq = ${seq})`;
}
