/** Journals that are in no file: an engine keeps them, which a package of its own knows. */
import { RuntimeError, type JournalReader, type RunId, type Runtime } from '@pawl/runtime';

import { usage } from './command.ts';
import { loadOptional } from './optional-package.ts';
import { clean } from './render/clean.ts';
import type { Io } from './terminal.ts';

/** What a command reads: elsewhere that is loaded before. */
export type About =
  /** One run, with those that it started; undefined: the newest. */
  | { readonly run: RunId | undefined }
  /** So many of the newest, of those that began before this one; `open`: and all that have not ended. */
  | {
      readonly newest: number;
      readonly before?: RunId | undefined;
      readonly isOpen?: boolean | undefined;
      readonly open?: true;
    }
  /** All that have not ended. */
  | { readonly open: true };

/** What an engine's package gives: journals as if they were in a file. */
export interface EngineJournals {
  /** While `look` goes on, what is recorded meanwhile comes too. */
  look<T>(
    about: About,
    look: (looked: {
      readonly reader: JournalReader;
      readonly runtime: Runtime;
      /** What was left for runs has come there. */
      readonly sent: () => Promise<void>;
    }) => T | Promise<T>,
  ): Promise<T>;
  read<T>(about: About, read: (reader: JournalReader) => T | Promise<T>): Promise<T>;
  change<T>(runId: RunId, change: (runtime: Runtime) => T | Promise<T>): Promise<T>;
  start(process: string, inputs: unknown, runId: RunId): Promise<'started' | 'there'>;
  /** Goes on with one that the engine has given up for now. */
  resume(runId: RunId): Promise<void>;
}

/** What `@pawl/restate/reader` exports: nothing of Restate's own is loaded with it. */
interface ReaderPackage {
  readonly RestateJournals: new (address: string, warn: (message: string) => void) => EngineJournals;
}

const RESTATE = 'restate:';

/** @throws RuntimeError USAGE, NOT_FOUND where its package is not installed */
export async function openEngine(
  address: string,
  { io, isJson }: { readonly io: Io; readonly isJson: boolean },
): Promise<EngineJournals> {
  if (!address.startsWith(RESTATE))
    throw usage(
      `'${clean(address.slice(0, 80))}' is no engine that is known, which --engine takes.`,
      'Restate is: --engine restate://127.0.0.1:8080',
    );
  const { RestateJournals } = await loadRestate<ReaderPackage>('@pawl/restate/reader', io);
  return new RestateJournals(address, (message) => {
    // What is written for programs says no more than its schema.
    if (!isJson) io.err.line(`${io.err.theme.attention('!')} ${clean(message)}`);
  });
}

/** Loaded where somebody names it, and else never. @throws RuntimeError NOT_FOUND */
export async function loadRestate<T>(
  name: '@pawl/restate' | '@pawl/restate/reader',
  { cwd }: Io,
): Promise<T> {
  const loaded = await loadOptional<T>(name, cwd);
  if (loaded !== undefined) return loaded;
  throw new RuntimeError(
    'NOT_FOUND',
    'Restate is known to a package of its own, which is not installed here.',
    { hint: 'npm install @pawl/restate' },
  );
}
