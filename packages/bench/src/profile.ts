import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const INTERVAL_MICROS = 250;

/**
 * A processor profile of a piece of this program, for a flame graph of what is measured alone: what loads and compiles
 * the program is no part of it.
 *
 * Owns the session, whose answers come at once within one program.
 */
export class Profile {
  readonly #session = new Session();
  readonly #file: string;

  /** Begins. @param file where it is written, as `node --cpu-prof` writes it */
  constructor(file: string) {
    this.#file = file;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROS });
    this.#session.post('Profiler.start');
  }

  stop(): void {
    this.#session.post('Profiler.stop', (error, { profile }) => {
      if (error !== null) throw error;
      writeFileSync(this.#file, JSON.stringify(profile));
    });
    this.#session.disconnect();
  }
}
