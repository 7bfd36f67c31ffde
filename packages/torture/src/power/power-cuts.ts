/** A real file system that is cut from its disk while a run is under way, mounted again, and looked at. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, getuid, platform } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

import { seededEntropy } from '@pawl/runtime/testing';

import { Folder } from '../folder.ts';
import { JOURNAL } from '../journal-place.ts';
import { count, type Part, type PartContext } from '../part.ts';
import { integrityOf, survey, type Wrong } from '../survey.ts';
import type { Durable, Told } from '../told.ts';
import type { Journey } from '../voyage.ts';
import { SOURCES } from '../pawl.ts';

const DISK_BYTES = 32 * 1024 * 1024;
const JOURNEY: Journey = { legs: 6, bytes: 2000 };
/** Lines that a voyage of so many legs tells, about. */
const LINES = 150;

export const powerCuts: Part = {
  name: 'power-cuts',
  what: 'an ext4 that is cut from its disk while a run is under way, and mounted again',
  rounds: { ci: 10, night: 200 },
  budgetSeconds: { ci: 60, night: 900 },
  floors: { 'cuts with something acknowledged': 0.7 },
  impossible: problem,
  run: async (context) => {
    await cutPower(context, 'full', (round, { kind, what }) => context.violated(round, `${kind}: ${what}`));
  },
};

function problem(): string | undefined {
  if (platform !== 'linux' || getuid?.() !== 0) return 'only root of Linux may mount';
  using folder = new Folder('power-cuts');
  try {
    using disk = new LoopDisk(folder);
    disk.cut();
    return undefined;
  } catch (error) {
    return `a loop of ext4 cannot be mounted and cut here (${String(error)})`;
  }
}

function must(command: string, ...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new TypeError(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}

/** A file that is a disk, and where it is mounted. */
class LoopDisk implements Disposable {
  readonly place: string;
  readonly #image: string;
  readonly #cutter: string;

  constructor(folder: Folder) {
    const own = folder.fresh();
    this.place = join(own, 'disk');
    this.#image = join(own, 'image');
    this.#cutter = join(own, 'cut');
    mkdirSync(this.place);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, DISK_BYTES);
    must('cc', '-O1', '-Wall', '-Werror', '-o', this.#cutter, join(import.meta.dirname, 'cut.c'));
    must('mkfs.ext4', '-q', '-F', this.#image);
    this.mount();
  }

  mount(): void {
    must('mount', '-o', 'loop', this.#image, this.place);
  }

  unmount(): void {
    must('umount', this.place);
  }

  /** From now on nothing that is written comes to the disk, and whoever asks gets an error. */
  cut(): void {
    must(this.#cutter, this.place);
  }

  [Symbol.dispose](): void {
    this.unmount();
  }
}

/** @param wrong told of each cut after which something is wrong */
export async function cutPower(
  { seed, rounds, at, figures }: PartContext,
  durable: Durable,
  wrong: (round: number, what: Wrong) => void,
): Promise<void> {
  using folder = new Folder('power-cuts');
  for (let round = 0; round < rounds; round += 1) {
    if (at !== undefined && round !== at) continue;
    const { random } = seededEntropy(seed * 1_000_003 + round);
    using disk = new LoopDisk(folder);
    const told = await voyageUntilCut(disk, durable, seed + round, random);
    count(figures, 'cuts');
    if (told.some((each) => each.at === 'committed')) count(figures, 'cuts with something acknowledged');
    if (told.some((each) => each.at === 'end')) count(figures, 'cuts behind the end of the run');
    disk.unmount();
    disk.mount();
    const found = (await survey(disk.place, told, JOURNEY)) ?? integrityOf(disk.place);
    if (found !== undefined) wrong(round, found);
  }
}

/**
 * All that it told before the power went. What it tells while the call that cuts it is under way is not counted: nobody
 * can say which of the two came first.
 */
async function voyageUntilCut(
  disk: LoopDisk,
  durable: Durable,
  seed: number,
  random: () => number,
): Promise<readonly Told[]> {
  const cutAt = Math.floor(random() * LINES);
  const main = join(import.meta.dirname, '../crash/voyage-main.ts');
  const args = [join(disk.place, JOURNAL), durable, seed, JOURNEY.legs, JOURNEY.bytes].map(String);
  const child = spawn(execPath, [...SOURCES, main, ...args], {
    env: {
      PATH: env['PATH'],
      NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'pawl-torture-compiled'),
    },
    // What it says of a disk that is gone is no news.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const told: Told[] = [];
  let before: readonly Told[] | undefined;
  const cut = async (): Promise<void> => {
    await pause(random() * 5);
    before = [...told];
    disk.cut();
    child.kill('SIGKILL');
  };
  let cutting: Promise<void> | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.endsWith('}')) continue;
    told.push(JSON.parse(line) as Told);
    if (told.length >= cutAt) cutting ??= cut();
  }
  await closed;
  await (cutting ?? cut());
  return before ?? told;
}
