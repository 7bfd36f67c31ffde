import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { displayStatus, ENGINE_VERSION, EXIT_CODES, RuntimeError, type JournalReader } from '@pawl/runtime';

import { COMMON_OPTIONS, defineCommand, type Command } from '../command.ts';
import { DONE } from '../exit-codes.ts';
import { journalPlace, readJournal, type JournalPlace } from '../journal-place.ts';
import type { Check } from '../render/checks.ts';
import { renderChecks } from '../render/checks.ts';
import { jsonLine } from '../render/json.ts';
import { formatDuration } from '../render/duration.ts';
import { count } from '../render/run.ts';
import { shellWords } from '../render/next-commands.ts';
import { relativeTo } from '../render/source-place.ts';
import { CLI_VERSION } from '../version.ts';
import type { Io } from '../terminal.ts';

const LITTLE_SPACE = 200 * 1024 * 1024;
/** SQLite's log needs shared memory, which these do not have. */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x01021997: '9P',
  0x5346414f: 'AFS',
  0x00c36400: 'Ceph',
};
/** Of a program: such as sshfs, which is a network, or ntfs-3g, which is none. */
const FUSE = 0x65735546;
/** A log that nobody could put back into the journal for a while. */
const LONG_LOG = 64 * 1024 * 1024;
/** What clocks of one machine differ by without anybody having set them. */
const CLOCK_LEEWAY_MS = 60_000;

export const doctorCommand: Command = defineCommand({
  description: 'Looks at Node, the SDK and the journal. Writes nothing.',
  arguments: [],
  options: COMMON_OPTIONS,
  examples: [{ command: 'pawl doctor', what: 'in the folder where something does not work' }],
  run: async ({ options, io }) => {
    const place = journalPlace(options.db, io);
    const checks = [...programChecks(io), ...folderChecks(place, io), ...(await journalChecks(place, io))];
    if (options.json) io.out.line(jsonLine({ checks }));
    else io.out.lines(renderChecks(checks, io.out.width, io.out.theme));
    return checks.find(({ exitCode }) => exitCode !== undefined)?.exitCode ?? DONE;
  },
});

function programChecks(io: Io): Check[] {
  const sdk = fileURLToPath(import.meta.resolve('@pawl/sdk'));
  const strips = Boolean(Reflect.get(process.features, 'typescript'));
  return [
    { name: 'node', level: 'ok', text: `${process.versions.node} on ${process.platform} ${process.arch}` },
    { name: 'pawl', level: 'ok', text: `${CLI_VERSION}, engine ${ENGINE_VERSION}` },
    { name: 'sdk', level: 'ok', text: relativeTo(io.cwd, dirname(sdk)) },
    strips
      ? { name: 'typescript', level: 'ok', text: 'Node runs .ts files by itself' }
      : {
          name: 'typescript',
          level: 'note',
          text: 'Node was told not to strip types: .ts files cannot be run',
          hint: 'Leave out --no-experimental-strip-types (also in NODE_OPTIONS)',
        },
  ];
}

/** The nearest folder that exists: the others would be made. */
function existingFolder(path: string): string {
  const folder = dirname(path);
  return existsSync(folder) || folder === dirname(folder) ? folder : existingFolder(folder);
}

function folderChecks(place: JournalPlace, io: Io): Check[] {
  const folder = existingFolder(resolve(io.cwd, place.path));
  const checks: Check[] = [];
  try {
    accessSync(folder, constants.W_OK);
    checks.push({ name: 'folder', level: 'ok', text: `${relativeTo(io.cwd, folder)} is writable` });
  } catch {
    checks.push({
      name: 'folder',
      level: 'problem',
      text: `${folder} is not writable: nothing can be recorded`,
      hint: 'Make it writable, or name another place with --db',
      exitCode: EXIT_CODES.STORAGE,
    });
  }
  const { bavail, bsize, type } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < LITTLE_SPACE) {
    checks.push({
      name: 'disk',
      level: 'note',
      text: `only ${Math.round(free / 1024 / 1024)} MB are free`,
      hint: `See what takes room: du -sh ${shellWords(folder)}`,
    });
  }
  // The number of some is larger than a signed one of 32 bits.
  const network = NETWORK_FILE_SYSTEMS[type >>> 0];
  if (type >>> 0 === FUSE) {
    checks.push({
      name: 'disk',
      level: 'note',
      text: `${folder} is on a file system that a program makes (FUSE): where that is a network, as with sshfs, a journal is not safe there`,
      hint: `See what it is: df -T ${shellWords(folder)}`,
    });
  }
  if (network !== undefined) {
    checks.push({
      name: 'disk',
      level: 'problem',
      text: `${folder} is on a network file system (${network}), where SQLite's log is not safe`,
      hint: 'Keep the journal on a local disk: --db, or PAWL_DB',
      exitCode: EXIT_CODES.STORAGE,
    });
  }
  return checks;
}

async function journalChecks(place: JournalPlace, io: Io): Promise<Check[]> {
  try {
    return await readJournal(place, (reader) => [
      ...fileChecks(reader, place, io),
      ...runChecks(reader, place),
      ...clockChecks(reader, io),
    ]);
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    const { code, message, hint, exitCode } = error;
    if (code === 'NOT_FOUND')
      return [{ name: 'journal', level: 'note', text: `${message} The first run makes it.` }];
    return [
      { name: 'journal', level: 'problem', text: message, exitCode, ...(hint === undefined ? {} : { hint }) },
    ];
  }
}

function fileChecks(reader: JournalReader, place: JournalPlace, io: Io): Check[] {
  const facts = reader.describe();
  const checks: Check[] = [
    {
      name: 'journal',
      level: 'ok',
      text: `${place.path}, ${megabytes(Number(facts['databaseBytes']))}, schema ${facts['schema']}, SQLite ${facts['sqlite']}`,
    },
  ];
  const mode = statSync(resolve(io.cwd, place.path)).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    checks.push({
      name: 'journal',
      level: 'note',
      text: `others on this machine may read it (mode ${mode.toString(8)})`,
      hint: shellWords('chmod', '600', place.path),
    });
  }
  const { schema, fileSchema, logBytes } = facts;
  if (Number(fileSchema) < Number(schema)) {
    checks.push({
      name: 'journal',
      level: 'note',
      text: `its format is ${fileSchema}, and this program writes ${schema}: the next command that writes brings it up to date, and older programs cannot write to it then`,
      hint: `Keep a copy first: ${shellWords('cp', place.path, `${place.path}.old`)}`,
    });
  }
  if (Number(logBytes) > LONG_LOG) {
    checks.push({
      name: 'log',
      level: 'note',
      text: `its write-ahead log has ${megabytes(Number(logBytes))}: something reads for very long, or the last program died`,
      hint: `See who has it open: fuser -v ${shellWords(place.path)}; the next run that ends puts the log back`,
    });
  }
  return checks;
}

/** Timers and schedules go by the clock: one that was set shows in the times of runs. */
function clockChecks(reader: JournalReader, io: Io): Check[] {
  const runs = reader.list({ limit: LOOKED_AT });
  const ahead = Math.max(0, ...runs.map(({ updatedAt }) => updatedAt - io.now()));
  if (ahead > CLOCK_LEEWAY_MS)
    return [
      {
        name: 'clock',
        level: 'note',
        text: `an event was recorded ${formatDuration(ahead)} later than now: the clock was set back, and timers wait so much longer`,
        hint: 'See what time it is here: date -u',
      },
    ];
  // The newest come first, in the order in which they were made.
  const back = runs.findIndex(
    ({ startedAt }, i) => startedAt + CLOCK_LEEWAY_MS < (runs[i + 1]?.startedAt ?? 0),
  );
  const [later, earlier] = [runs[back], runs[back + 1]];
  if (later === undefined || earlier === undefined)
    return [{ name: 'clock', level: 'ok', text: 'no run is from the future' }];
  return [
    {
      name: 'clock',
      level: 'note',
      text: `the clock was set back by ${formatDuration(earlier.startedAt - later.startedAt)} or more between the starts of ${earlier.runId} and ${later.runId}`,
      hint: 'Keep it by NTP: timedatectl status',
    },
  ];
}

function megabytes(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

const LOOKED_AT = 1000;

function runChecks(reader: JournalReader, place: JournalPlace): Check[] {
  const open = reader.list({ limit: LOOKED_AT, statuses: ['running'] });
  const shown = open.map(displayStatus);
  const interrupted = shown.filter((status) => status === 'interrupted').length;
  const cancelling = shown.filter((status) => status === 'cancelling').length;
  const waiting = shown.filter((status) => status === 'waiting').length;
  const checks: Check[] = [
    {
      name: 'runs',
      level: 'ok',
      text: `${count(Number(reader.describe()['runs']), 'run')}, ${open.length} of them open`,
    },
  ];
  const held = open.filter(({ owner, ownerAlive }) => owner !== null && !ownerAlive).length;
  if (held > 0) {
    const hint = shellWords('pawl', 'resume', '--all', ...place.flags);
    const text = `${count(held, 'run')} still claimed by programs that are gone`;
    checks.push({ name: 'leases', level: 'note', text, hint });
  }
  if (interrupted > 0) {
    const hint = shellWords('pawl', 'resume', '--all', ...place.flags);
    checks.push({ name: 'runs', level: 'note', text: `${count(interrupted, 'run')} interrupted`, hint });
  }
  if (cancelling > 0) {
    const hint = shellWords('pawl', 'resume', '--all', ...place.flags);
    const text = `${count(cancelling, 'run')} to be cancelled, which takes their code`;
    checks.push({ name: 'runs', level: 'note', text, hint });
  }
  if (waiting > 0) {
    const hint = shellWords('pawl', 'list', '--status', 'waiting', ...place.flags);
    checks.push({ name: 'runs', level: 'note', text: `${count(waiting, 'run')} waiting for a person`, hint });
  }
  return checks;
}
