const UNITS = [
  [86_400_000, 'd', 3_600_000, 'h'],
  [3_600_000, 'h', 60_000, 'm'],
  [60_000, 'm', 1000, 's'],
] as const;

/** `340ms`, `1.2s`, `42s`, `4m 12s`, `3h 5m`, `2d 1h` */
export function duration(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded < 1000) return `${rounded}ms`;
  if (rounded < 9950) return `${(rounded / 1000).toFixed(1).replace(/\.0$/, '')}s`;
  if (rounded < 59_500) return `${Math.round(rounded / 1000)}s`;
  for (const [unit, name, lesser, lesserName] of UNITS)
    if (rounded >= unit) {
      const rest = Math.floor((rounded % unit) / lesser);
      return `${Math.floor(rounded / unit)}${name}${rest === 0 ? '' : ` ${rest}${lesserName}`}`;
    }
  return '1m';
}

export function ago(at: number, now: number): string {
  const passed = now - at;
  if (passed < 1500) return 'now';
  return `${duration(passed < 60_000 ? Math.floor(passed / 1000) * 1000 : passed)} ago`;
}

const TIME = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
const DAY = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

export function clock(at: number): string {
  return TIME.format(at);
}

export function moment(at: number | string): string {
  return DAY.format(typeof at === 'string' ? Date.parse(at) : at);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Of a length in characters. */
export function size(characters: number): string {
  if (characters < 1000) return `${characters} B`;
  return characters < 1_000_000
    ? `${(characters / 1000).toFixed(1)} kB`
    : `${(characters / 1_000_000).toFixed(1)} MB`;
}
