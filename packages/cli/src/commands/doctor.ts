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
};

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
    checks.push({ name: 'disk', level: 'note', text: `only ${Math.round(free / 1024 / 1024)} MB are free` });
  }
  const network = NETWORK_FILE_SYSTEMS[type];
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
  return checks;
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
