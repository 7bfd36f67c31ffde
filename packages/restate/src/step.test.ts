import { describe, expect, it } from 'vitest';
import { entriesOf, StepReader, type Step } from './step.ts';

function refused(message: string): Step {
  return { type: 'refused', error: { name: 'Error', message } };
}

/** Characters of one, three and four bytes, so that pieces end within one. */
const LARGE = refused('"\u{1f600}\u20ac'.repeat(1_500_000));

describe('entries of a step', () => {
  it('is one, where it fits into a message', () => {
    const [entry, more] = entriesOf(JSON.stringify(refused('no')));
    expect(new TextDecoder().decode(entry)).toBe(JSON.stringify(refused('no')));
    expect(more).toBeUndefined();
  });

  it('are pieces of a large one, none longer than a message, and the same step again', () => {
    const entries = entriesOf(JSON.stringify(LARGE));
    expect(entries.length).toBeGreaterThan(1);
    for (const entry of entries) expect(entry.length).toBeLessThan(32 * 1024 * 1024);
    const reader = new StepReader();
    const read = entries.map((entry) => reader.read(entry));
    expect(read.slice(0, -1).every((step) => step === undefined)).toBe(true);
    expect(JSON.stringify(read.at(-1)) === JSON.stringify(LARGE)).toBe(true);
  });

  it('leave nothing behind where the program died between two of them', () => {
    const entries = entriesOf(JSON.stringify(LARGE));
    const reader = new StepReader();
    for (const entry of entries.slice(0, -1)) expect(reader.read(entry)).toBeUndefined();
    const pulse: Step = { type: 'pulse' };
    expect(entriesOf(JSON.stringify(pulse)).map((entry) => reader.read(entry))).toEqual([pulse]);
    for (const entry of entries.slice(0, 1)) expect(reader.read(entry)).toBeUndefined();
    const again = entries.map((entry) => reader.read(entry));
    expect(JSON.stringify(again.at(-1)) === JSON.stringify(LARGE)).toBe(true);
  });
});
