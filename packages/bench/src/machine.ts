import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { version } from 'node:process';

import Database from 'better-sqlite3';

/** Where something was measured: numbers of two machines are not compared. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly os: string;
  readonly node: string;
  readonly sqlite: string;
  /** Of the file system that the journals are on, in hexadecimal, as statfs(2) tells it. */
  readonly fileSystem: string;
}

/** Types of statfs(2) that keep nothing: a commit costs nothing there. */
const IN_MEMORY: readonly string[] = ['1021994', '858458f6'];

/** @param folder where journals are written */
export function describeMachine(folder: string): Machine {
  const db = new Database(':memory:');
  const sqlite = String(db.prepare('select sqlite_version()').pluck().get());
  db.close();
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    os: `${platform()} ${release()}`,
    node: version,
    sqlite,
    fileSystem: statfsSync(folder).type.toString(16),
  };
}

/** What makes the numbers doubtful. */
export function doubtsAbout({ fileSystem, cores }: Machine): string[] {
  const [load = 0] = loadavg();
  return [
    ...(IN_MEMORY.includes(fileSystem)
      ? ['The folder is in memory, where a commit does not wait for a disk: choose another with --dir.']
      : []),
    ...(load > cores / 2
      ? [
          `The machine is busy (load ${load.toFixed(1)} on ${cores} cores): times are those of a busy machine.`,
        ]
      : []),
  ];
}
