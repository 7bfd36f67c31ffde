import type { CallStatus, DisplayStatus } from '@pawl/runtime';
import picocolors from 'picocolors';

type Paint = (text: string) => string;

/** Colour says how things stand; weight says what matters. Everything reads without either. */
export interface Theme {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly busy: Paint;
  readonly attention: Paint;
}

export function createTheme(colours: boolean): Theme {
  const { bold, dim, green, red, cyan, yellow } = picocolors.createColors(colours);
  return { bold, dim, good: green, bad: red, busy: cyan, attention: yellow };
}

export const PLAIN_THEME: Theme = createTheme(false);

interface Mark {
  readonly sign: string;
  readonly paint: keyof Theme;
}

const MARKS: Readonly<Record<CallStatus | DisplayStatus, Mark>> = {
  queued: { sign: '·', paint: 'dim' },
  running: { sign: '●', paint: 'busy' },
  backoff: { sign: '↻', paint: 'attention' },
  asked: { sign: '?', paint: 'attention' },
  waiting: { sign: '?', paint: 'attention' },
  stopped: { sign: '◌', paint: 'attention' },
  interrupted: { sign: '◌', paint: 'attention' },
  cancelling: { sign: '◌', paint: 'attention' },
  sleeping: { sign: '◌', paint: 'dim' },
  succeeded: { sign: '✓', paint: 'good' },
  failed: { sign: '✗', paint: 'bad' },
  continued: { sign: '→', paint: 'good' },
  cancelled: { sign: '○', paint: 'dim' },
};

export function signOf(status: CallStatus | DisplayStatus): string {
  return MARKS[status].sign;
}

export function paintOf(status: CallStatus | DisplayStatus): keyof Theme {
  return MARKS[status].paint;
}

export function paintStatus(theme: Theme, status: CallStatus | DisplayStatus, text: string): string {
  return theme[MARKS[status].paint](text);
}

/** `✓ succeeded` */
export function statusWord(theme: Theme, status: DisplayStatus): string {
  return paintStatus(theme, status, `${signOf(status)} ${status}`);
}
