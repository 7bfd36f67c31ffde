/** What people ask of the keys of a journal: how much is sealed, and with what; and another key. */
import { RuntimeError } from '../../errors.ts';
import type { Rotated, SealingStatus, SealingStore } from '../../ports/sealing-store.ts';
import { KEY_BYTES } from './seal-box.ts';
import type { JournalFile } from './journal-file.ts';
import { eventCounts, valueCounts } from './sealed-counts.ts';
import type { Access } from './work.ts';

export class SqliteSealing implements SealingStore {
  readonly #file: JournalFile;
  readonly #access: Pick<Access, 'read' | 'write'>;

  constructor(file: JournalFile, access: Pick<Access, 'read' | 'write'>) {
    this.#file = file;
    this.#access = access;
  }

  get isOn(): boolean {
    return this.#file.sealing.isOn;
  }

  needKey(): void {
    this.#file.sealing.needKey();
  }

  status(): SealingStatus {
    const { db, sealing } = this.#file;
    return this.#access.read(() => {
      const { byKey, clear, plain } = eventCounts(db);
      const sealed = [...byKey.values()].reduce((sum, count) => sum + count, 0);
      return {
        state: !sealing.isOn ? 'off' : sealing.isLocked ? 'locked' : 'open',
        master: sealing.dataKeys[0]?.master ?? null,
        given: sealing.given,
        dataKeys: sealing.dataKeys.map(({ id, made_at: madeAt, wrapped_at: wrappedAt }) => ({
          id,
          madeAt,
          wrappedAt,
          events: byKey.get(id) ?? 0,
        })),
        events: { sealed, clear, plain },
        values: valueCounts(db),
      };
    });
  }

  rotate(to: Uint8Array): Rotated {
    const { sealing } = this.#file;
    if (to.length !== KEY_BYTES)
      throw new RuntimeError('REFUSED', `A key has ${KEY_BYTES} bytes.`, { hint: 'Make one: pawl key new' });
    const rotated = this.#access.write(() => sealing.rotate(to));
    sealing.rotated(to);
    return { ...rotated, isLogEmptied: this.#access.read(() => this.#file.emptyLog()) };
  }
}
