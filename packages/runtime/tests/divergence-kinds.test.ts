import { NonDeterminismError, type Process } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';
import { RuntimeError } from '../src/errors.ts';
import { MemoryStore } from '../src/testing.ts';
import { changed, recorded } from './divergence-kinds.fixture.ts';
import { journal, Lab, transcript } from './lab.fixture.ts';

/** What a person reads, with what to do about it; places relative to this folder. */
function told(error: unknown): string {
  const remedies =
    error instanceof NonDeterminismError
      ? (error.report?.remedies ?? [])
      : error instanceof RuntimeError && error.hint !== undefined
        ? [error.hint]
        : [];
  const message = error instanceof Error ? error.message : String(error);
  return [message, ...remedies.map((remedy) => `→ ${remedy}`)]
    .join('\n')
    .replaceAll(`${import.meta.dirname}/`, '');
}

async function replayed(store: MemoryStore, process: Process): Promise<unknown> {
  const lab = new Lab();
  const runtime = await lab.open(store, { stallMs: 30_000 });
  const stop = lab.clock.run(() => runtime.isIdle);
  try {
    return await runtime.replay('r', process);
  } catch (error) {
    return error;
  } finally {
    stop();
    await runtime.close();
  }
}

describe('the report of a change that does not fit', async () => {
  const store = new MemoryStore();
  await new Lab().drive(store, recorded);
  const rows = transcript(store);
  // It sleeps.
  const open = store.prefix(
    'r',
    journal(store).findIndex(({ event }) => event.type === 'TimerFired'),
  );

  it('is what a person has read and found good', async () => {
    const texts: string[] = [];
    for (const [kind, process] of Object.entries(changed)) {
      const error = await replayed(kind === 'another end' ? store : open, process);
      expect(error, kind).toBeInstanceOf(Error);
      texts.push(`## ${kind}\n\n${told(error)}\n`);
    }
    expect(transcript(store)).toEqual(rows);
    await expect(texts.join('\n')).toMatchFileSnapshot('divergence-kinds.golden.txt');
  });

  it('is none where nothing was changed', async () => {
    for (let seq = 1; seq <= rows.length; seq += 1) {
      const report = await replayed(store.prefix('r', seq), recorded);
      expect(report, `seq ${seq}`).toMatchObject({
        reached: seq === rows.length ? 'end' : 'head',
        events: seq,
      });
    }
  });
});
