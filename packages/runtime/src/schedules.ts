import { InvalidOptionError, type ProcessDefinition } from '@pawl/sdk';
import { checkInputs } from './checked-inputs.ts';
import { firstFiring } from './engine/cron.ts';
import type { Engine } from './engine/engine.ts';
import { RuntimeError } from './errors.ts';
import { definitionOf, type AnyProcess } from './process/definition.ts';
import { checkOptionNames } from './process/option-names.ts';
import type { MissedPolicy, OverlapPolicy, ScheduleRecord } from './ports/work-store.ts';

export interface ScheduleOptions {
  /** 1 to 80 letters, digits and . _ -, starting with a letter or a digit. Default: the name of the process. */
  readonly name?: string;
  /** Of 5 fields, or of 6 with seconds. */
  readonly cron: string;
  /** Of the IANA data base (default 'UTC'). */
  readonly zone?: string;
  /** Of firings for which no worker was there: none, the last one, or each (default 'one'). */
  readonly missed?: MissedPolicy;
  /** While a run of an earlier firing is there: start another, leave it out, or let it wait (default 'allow'). */
  readonly overlap?: OverlapPolicy;
  /** Takes the place of one of the same name. */
  readonly replace?: boolean;
  readonly module?: string;
  readonly codeHash?: string;
}

/** A schedule as it is shown. */
export type Schedule = Omit<ScheduleRecord, 'inputsHash' | 'isWhole'>;

const SCHEDULE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
const MISSED: readonly MissedPolicy[] = ['skip', 'one', 'all'];
const OVERLAP: readonly OverlapPolicy[] = ['allow', 'skip', 'queue'];

/** When which process is started, again and again, whichever worker is there. Owns nothing; talks to the store. */
export class Schedules {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws InvalidOptionError, ValidationError; RuntimeError REFUSED where one of the name is there */
  add<Inputs>(
    process: AnyProcess<Inputs, unknown>,
    inputs: Inputs,
    options: ScheduleOptions,
  ): Promise<Schedule> {
    const definition = definitionOf(process);
    const { name, record, replace } = this.#recordOf(definition, options);
    return checkInputs(this.#engine, definition, inputs, (checked) => {
      const schedule = { ...record, ...checked };
      if (this.#engine.options.store.work.putSchedule(schedule, replace)) return shownSchedule(schedule);
      throw new RuntimeError('REFUSED', `There is a schedule '${name}' already.`, {
        hint: 'Replace it (pawl schedule add … --replace), or give this one another name (--name)',
        data: { name },
      });
    });
  }

  #recordOf(
    { name: process }: ProcessDefinition,
    options: ScheduleOptions,
  ): {
    readonly name: string;
    readonly replace: boolean;
    readonly record: Omit<ScheduleRecord, 'inputs' | 'inputsHash'>;
  } {
    const names = ['name', 'cron', 'zone', 'missed', 'overlap', 'replace', 'module', 'codeHash'];
    checkOptionNames(options, new Set(names), 'a schedule');
    const {
      name = process,
      cron,
      zone = 'UTC',
      missed = 'one',
      overlap = 'allow',
      replace = false,
    } = options;
    const { module = null, codeHash = null } = options;
    if (typeof name !== 'string' || !SCHEDULE_NAME.test(name))
      throw new InvalidOptionError(
        'name',
        name,
        '1 to 80 letters, digits and . _ -, starting with a letter or a digit',
      );
    if (!MISSED.includes(missed)) throw new InvalidOptionError('missed', missed, 'skip, one or all');
    if (!OVERLAP.includes(overlap)) throw new InvalidOptionError('overlap', overlap, 'allow, skip or queue');
    const nextAt = firstFiring(cron, zone, this.#engine.options.clock.now());
    const place = { name, cron, zone, process, module, codeHash, missed, overlap };
    return { name, replace, record: { ...place, isPaused: false, nextAt, lastAt: null, isWhole: true } };
  }

  /** By name. */
  list(): readonly Schedule[] {
    return this.#engine.options.store.work.schedules().map(shownSchedule);
  }

  /** @throws RuntimeError NOT_FOUND */
  remove(name: string): void {
    if (!this.#engine.options.store.work.removeSchedule(name)) throw noSchedule(name);
  }

  /** What would fire from now on does not. @throws RuntimeError NOT_FOUND */
  pause(name: string): void {
    this.#pause(name, true);
  }

  /** From its next firing on. @throws RuntimeError NOT_FOUND */
  resume(name: string): void {
    this.#pause(name, false);
  }

  #pause(name: string, isPaused: boolean): void {
    const { store, clock } = this.#engine.options;
    const schedule = store.work.schedules().find((each) => each.name === name);
    if (schedule === undefined) throw noSchedule(name);
    const nextAt = isPaused ? undefined : firstFiring(schedule.cron, schedule.zone, clock.now());
    store.work.pauseSchedule(name, isPaused, nextAt);
  }
}

export function shownSchedule({ inputsHash: _, isWhole: __, ...schedule }: ScheduleRecord): Schedule {
  return schedule;
}

function noSchedule(name: string): RuntimeError {
  return new RuntimeError(
    'NOT_FOUND',
    `There is no schedule '${String(name).slice(0, 80)}' in this journal.`,
    {
      hint: 'See the schedules: pawl schedule list',
    },
  );
}
