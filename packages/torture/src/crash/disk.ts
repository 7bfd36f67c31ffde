/**
 * Owns: what a disk holds for certain, and what it may hold besides, while a recorded program goes on.
 * Talks to nobody.
 *
 * 1. What was written to a file is certain once that file was synced; before, any part of it may be there, and in any
 *    order: the cache goes to the disk as it likes, sector by sector.
 * 2. A name is certain once its folder was synced, whatever was synced of the file: made, removed and renamed names may
 *    each be there or not.
 * 3. A file that got longer without its bytes holds zeros there, or what the disk had there before.
 */
import { dirname } from 'node:path';

import type { Operation } from './recording.ts';

const SECTOR = 512;

type Change = Extract<Operation, { readonly type: 'write' | 'truncate' }>;
type Naming = Extract<Operation, { readonly type: 'create' | 'unlink' | 'rename' | 'mkdir' }>;

interface Content {
  /** As of the last sync. */
  durable: Buffer;
  pending: Change[];
}

/** A name: of a file by its number, or of a folder. */
export type Named = number | 'folder';

export interface DiskState {
  readonly folders: readonly string[];
  readonly files: ReadonlyMap<string, Buffer>;
  /** Whether anything that was not synced is missing, and whether something was torn or reordered. */
  readonly isLossy: boolean;
}

/** How the unsynced part of one file, or the names of one folder, come through. */
const FATES = ['all', 'none', 'beginning', 'some', 'torn', 'sectors', 'reordered'] as const;
type Fate = (typeof FATES)[number];

export class Disk {
  readonly #contents = new Map<number, Content>();
  readonly #names = new Map<string, Named>([['', 'folder']]);
  /** By folder. */
  readonly #namings = new Map<string, Naming[]>();

  apply(operation: Operation): void {
    switch (operation.type) {
      case 'create':
        this.#contents.set(operation.file, { durable: Buffer.alloc(0), pending: [] });
        return this.#rename(operation);
      case 'unlink':
      case 'rename':
      case 'mkdir':
        return this.#rename(operation);
      case 'write':
      case 'truncate':
        this.#contents.get(operation.file)?.pending.push(operation);
        return;
      case 'sync':
        return this.#sync(operation.file);
      case 'sync folder':
        for (const naming of this.#namings.get(operation.path) ?? []) name(this.#names, naming);
        this.#namings.delete(operation.path);
        return;
      case 'told':
    }
  }

  /** How much is not certain. */
  get pending(): number {
    const changes = [...this.#contents.values()].reduce((sum, { pending }) => sum + pending.length, 0);
    return changes + [...this.#namings.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #rename(naming: Naming): void {
    const folder = folderOf(naming.path);
    const namings = this.#namings.get(folder) ?? [];
    namings.push(naming);
    this.#namings.set(folder, namings);
  }

  #sync(file: number): void {
    const content = this.#contents.get(file);
    if (content === undefined) return;
    for (const change of content.pending) content.durable = changed(content.durable, change);
    content.pending = [];
  }

  /** All that was done, and not one byte less: what a killed program leaves. */
  whole(): DiskState {
    return this.#state(() => 'all', Math.random);
  }

  /** One of the states that the power going now could leave. */
  afterPowerCut(random: () => number): DiskState {
    // Some cuts treat all alike, most treat each file in its own way.
    const common = random() < 0.3 ? fateBy(random) : undefined;
    return this.#state(() => common ?? fateBy(random), random);
  }

  #state(fate: () => Fate, random: () => number): DiskState {
    let isLossy = false;
    const names = new Map(this.#names);
    for (const namings of this.#namings.values()) {
      const kept = keptOf(namings, fate(), random);
      if (kept.length < namings.length) isLossy = true;
      for (const naming of kept) name(names, naming);
    }
    const folders = [...names].flatMap(([path, what]) => (what === 'folder' ? [path] : []));
    const isThere = (path: string): boolean =>
      path === '' || (names.get(path) === 'folder' && isThere(folderOf(path)));
    const files = new Map<string, Buffer>();
    for (const [path, what] of names) {
      const content = what === 'folder' ? undefined : this.#contents.get(what);
      if (content === undefined || !isThere(folderOf(path))) continue;
      const how = content.pending.length === 0 ? 'all' : fate();
      if (how !== 'all') isLossy = true;
      files.set(path, survived(content, how, random));
    }
    return { folders: folders.filter(isThere).toSorted(), files, isLossy };
  }
}

function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? '' : folder;
}

function fateBy(random: () => number): Fate {
  return FATES[Math.floor(random() * FATES.length)] ?? 'all';
}

function name(names: Map<string, Named>, naming: Naming): void {
  switch (naming.type) {
    case 'create':
      names.set(naming.path, naming.file);
      return;
    case 'mkdir':
      names.set(naming.path, 'folder');
      return;
    case 'unlink':
      names.delete(naming.path);
      return;
    case 'rename': {
      const moved = names.get(naming.path);
      names.delete(naming.path);
      if (moved !== undefined) names.set(naming.to, moved);
    }
  }
}

/** Those of a list that came through, in some order. */
function keptOf<T>(list: readonly T[], fate: Fate, random: () => number): readonly T[] {
  switch (fate) {
    case 'all':
      return list;
    case 'none':
      return [];
    case 'beginning':
    case 'torn':
      return list.slice(0, Math.floor(random() * (list.length + 1)));
    case 'some':
    case 'sectors': {
      const share = random();
      return list.filter(() => random() < share);
    }
    case 'reordered':
      return shuffled(
        list.filter(() => random() < 0.9),
        random,
      );
  }
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  const rest = [...list];
  return list.flatMap(() => rest.splice(Math.floor(random() * rest.length), 1));
}

function survived({ durable, pending }: Content, fate: Fate, random: () => number): Buffer {
  if (fate === 'sectors') return pending.reduce((bytes, change) => sectorsOf(bytes, change, random), durable);
  const kept = keptOf(pending, fate, random);
  const bytes = kept.reduce(changed, durable);
  const next = pending[kept.length];
  return fate === 'torn' && next !== undefined ? sectorsOf(bytes, next, random) : bytes;
}

/** Part of a write, in sectors; the rest of what it made longer is zeros, or what was on the disk before. */
function sectorsOf(bytes: Buffer, change: Change, random: () => number): Buffer {
  if (change.type === 'truncate') return random() < 0.5 ? bytes : changed(bytes, change);
  const { offset, data } = change;
  const result = Buffer.from(grown(bytes, offset + data.length));
  const share = random();
  const isGarbage = random() < 0.3;
  for (let from = 0; from < data.length; from += SECTOR) {
    const to = Math.min(from + SECTOR, data.length);
    if (random() < share) data.copy(result, offset + from, from, to);
    else if (isGarbage && offset + from >= bytes.length)
      result.fill(Math.floor(random() * 256), offset + from, offset + to);
  }
  return result;
}

function changed(bytes: Buffer, change: Change): Buffer {
  if (change.type === 'truncate') return Buffer.from(grown(bytes.subarray(0, change.size), change.size));
  const { offset, data } = change;
  const result = Buffer.from(grown(bytes, offset + data.length));
  data.copy(result, offset);
  return result;
}

function grown(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length ? bytes : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
}
