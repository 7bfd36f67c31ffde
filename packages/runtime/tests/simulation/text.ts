/** Any value as one text, where values that differ have texts that differ: NaN, -0, undefined and holes too. */
export function text(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${Array.from(value, text).join(',')}]`;
      if (value instanceof Date) return `Date(${value.getTime()})`;
      return `{${Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, each]) => `${name}:${text(each)}`)
        .join(',')}}`;
    default:
      return String(value);
  }
}
