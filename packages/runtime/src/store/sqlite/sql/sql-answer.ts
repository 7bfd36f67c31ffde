/** What a query gives, as the program that runs it tells it. */
export type SqlValue = string | number | null;

export interface SqlRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
  /** There are more rows than were asked for. */
  readonly hasMore: boolean;
}

/** A query that SQLite, or we, do not take. */
export interface SqlRefusal {
  readonly message: string;
  /** Where in the text it is, from 0; null where that is not known. */
  readonly offset: number | null;
  /** How long what is wrong there is. */
  readonly length: number;
  readonly nearest: readonly string[];
}

export interface SqlQuestion {
  readonly path: string;
  readonly sql: string;
  /** At most so many rows. */
  readonly rows: number;
  /** The master key of an encrypted journal, where it was given. */
  readonly master: Uint8Array | undefined;
}

/** What is told of an error of the journal itself. */
export interface SqlTrouble {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export type SqlAnswer =
  | { readonly kind: 'rows'; readonly rows: SqlRows }
  | { readonly kind: 'refused'; readonly refusal: SqlRefusal }
  | { readonly kind: 'trouble'; readonly trouble: SqlTrouble };
