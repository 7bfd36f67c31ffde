import { clean } from './clean.ts';

/** Raised when a program that reads it could break; fields may be added without. */
export const JSON_VERSION = 1;

/** A document of the `--json` contract on one line; every character in it is safe for a terminal too. */
export function jsonLine(document: Readonly<Record<string, unknown>>): string {
  return clean(JSON.stringify({ version: JSON_VERSION, ...document }));
}
