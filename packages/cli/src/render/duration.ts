const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `7ms`, `1.2s`, `3m 05s`, `2h 05m`, `3d 4h`: at most six columns up to a day. */
export function formatDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < SECOND_MS) return `${whole}ms`;
  // 59.95 s would be written as 60.0s.
  if (whole < MINUTE_MS - 50) return `${(whole / SECOND_MS).toFixed(1)}s`;
  const seconds = Math.round(whole / SECOND_MS);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${twoDigits(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours}h ${twoDigits(minutes % 60)}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** A length that somebody chose, without digits that say nothing: `1s`, `5m`. */
export function formatLength(ms: number): string {
  return formatDuration(ms)
    .replace(/\.0s$/, 's')
    .replace(/ 0\d?[smh]$/, (zeros) => (/ 0+[smh]$/.test(zeros) ? '' : zeros));
}

/** How long ago, in one unit. */
export function formatAgo(ms: number): string {
  if (ms < 5 * SECOND_MS) return 'just now';
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)}s ago`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m ago`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)}h ago`;
  return `${Math.floor(ms / DAY_MS)}d ago`;
}

/** `2026-11-21 09:44:02`, in the time zone of whoever looks. */
export function formatTime(at: number): string {
  const date = new Date(at);
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-');
  return `${day} ${clockTime(date)}`;
}

/** As clocks in that zone show it. */
export function formatTimeIn(zone: string, at: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(
    at,
  );
}

/** `09:44:02.123` */
export function formatClock(at: number): string {
  const date = new Date(at);
  return `${clockTime(date)}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function clockTime(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
