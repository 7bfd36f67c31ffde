import type { SqlRows, SqlValue } from '@pawl/runtime';

/**
 * As RFC 4180 has it: these lines are all of it, so that no library is needed. Nothing is an empty field, and an empty
 * text is `""`, so that both can be told apart.
 */
export function csvLines({ columns, rows }: SqlRows): string[] {
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r`);
}

function field(value: SqlValue): string {
  if (value === null) return '';
  const text = String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
