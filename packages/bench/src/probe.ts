import { statSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { env } from 'node:process';

import { Profile } from './profile.ts';

export interface Probed {
  readonly ms: number;
  readonly cpuMicros: number;
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  readonly walBytes: number;
}

const RESOLUTION_MS = 1;
/** Each look makes the next sync of the log slower, as the times of a file are asked for with its size. */
const LOOK_EVERY_MS = 50;

/**
 * Measures a piece of work of this program.
 *
 * Owns the watch over the event loop and over the size of the write-ahead log. The log is asked for by its path and
 * never opened: closing a descriptor of it would drop SQLite's locks.
 */
export class Probe {
  readonly #wal: string;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #timer: NodeJS.Timeout | undefined;
  readonly #profile: Profile | undefined;
  readonly #cpu: NodeJS.CpuUsage;
  readonly #startedAt: number;
  #walBytes = 0;

  /**
   * @param journal path of the database
   * @param watches false: the watch costs processor time, where that is what is measured
   */
  constructor(journal: string, watches = true) {
    this.#wal = `${journal}-wal`;
    if (watches) {
      this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
      this.#delay.enable();
    }
    const file = env['BENCH_PROFILE'];
    this.#profile = file === undefined ? undefined : new Profile(file);
    this.#cpu = process.cpuUsage();
    this.#startedAt = performance.now();
  }

  stop(): Probed {
    const ms = performance.now() - this.#startedAt;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#profile?.stop();
    this.#delay.disable();
    clearInterval(this.#timer);
    this.#look();
    // The histogram holds the time between two looks, of which one resolution is meant to be.
    const late = (nanos: number): number =>
      this.#delay.count === 0 ? 0 : Math.max(0, nanos / 1e6 - RESOLUTION_MS);
    return {
      ms,
      cpuMicros: user + system,
      delayP99Ms: late(this.#delay.percentile(99)),
      delayMaxMs: late(this.#delay.max),
      walBytes: this.#walBytes,
    };
  }

  #look(): void {
    this.#walBytes = Math.max(this.#walBytes, sizeOf(this.#wal));
  }
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Highest resident size of this program so far, in bytes. */
export function peakRss(): number {
  return process.resourceUsage().maxRSS * 1024;
}
