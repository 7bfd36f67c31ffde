import { createHash } from 'node:crypto';

import { addDiffEvent, createRunDiff, finishDiff, type Recorded, type RunDiff } from '@pawl/runtime';

export function newDiff(): RunDiff {
  return createRunDiff((text) => createHash('sha256').update(text).digest('hex'));
}

/** An event of each in turn, so that neither run is held for the other. */
export function readDiff(eventsA: Iterator<Recorded>, eventsB: Iterator<Recorded>): RunDiff {
  const diff = newDiff();
  for (;;) {
    const [a, b] = [eventsA.next(), eventsB.next()];
    if (a.done !== true) addDiffEvent(diff, 'a', a.value);
    if (b.done !== true) addDiffEvent(diff, 'b', b.value);
    if (a.done === true && b.done === true) break;
  }
  finishDiff(diff);
  return diff;
}
