import { globSync } from 'node:fs';

import { ROOT } from '../run-command.ts';

export const SOURCES = 'packages/runtime/src/';

/** What is mutated together, and the tests that are asked of each mutant of it. */
export interface MutantRoom {
  readonly name: string;
  /** Files, or all of a folder, below the sources of the runtime. A file is of the first room that names it. */
  readonly files: readonly string[];
  /** Below them too. What takes long comes last: most mutants are found before it. */
  readonly tests: readonly string[];
  /** Its tests hold more than values, or its modules remember: each mutant has to have all modules anew. */
  readonly isFresh: boolean;
}

export const MUTANT_ROOMS: readonly MutantRoom[] = [
  {
    name: 'lease',
    files: ['engine/run-lease.ts', 'store/sqlite/lease.ts'],
    tests: ['engine/run-lease.test.ts', 'store/sqlite/lease.test.ts', 'store/sqlite/sqlite-store.test.ts'],
    isFresh: true,
  },
  {
    name: 'keys',
    files: ['journal/call-key.ts', 'journal/ids.ts'],
    tests: ['journal/{call-key,ids}.test.ts'],
    isFresh: false,
  },
  {
    name: 'codec',
    files: ['journal/{codec,encoder,decoder,base64,builtin,native-error,refusal,secret}.ts'],
    tests: ['journal/{base64,codec,decoder,encoder,native-error,refusal,secret}.test.ts'],
    isFresh: true,
  },
  { name: 'kernel', files: ['kernel/*.ts'], tests: ['kernel/*.test.ts'], isFresh: false },
  {
    name: 'events',
    files: ['journal/{event,event-shape,event-defaults,stored-event,value-fields,sealed-payload}.ts'],
    tests: ['journal/{event,event-defaults,event-shape,stored-event,value-fields}.test.ts'],
    isFresh: true,
  },
  {
    name: 'journal',
    files: ['journal/*.ts'],
    // But for values by the thousand, which take most of the time and find what the tables find.
    tests: [
      'journal/!(*-property|codec*|encoder|decoder|base64|native-error|refusal|secret|call-key|ids|event-defaults|event-shape|value-fields).test.ts',
    ],
    isFresh: false,
  },
];

/** By room, in the order above: its files, relative to the root. */
export function filesByRoom(): ReadonlyMap<MutantRoom, readonly string[]> {
  const known = new Set<string>();
  const byRoom = new Map<MutantRoom, readonly string[]>();
  for (const room of MUTANT_ROOMS) {
    const files = globSync(
      room.files.map((path) => SOURCES + path),
      { cwd: ROOT },
    )
      .filter((path) => !/\.(test|fixture)\.ts$/.test(path) && !known.has(path))
      .toSorted();
    for (const file of files) known.add(file);
    byRoom.set(room, files);
  }
  return byRoom;
}
