import type { Runtime } from '@pawl/runtime';

import type { Told } from './told.ts';
import { messageOf, voyage, type Journey } from './voyage.ts';

/**
 * Goes on a voyage, and tells all that is acknowledged. Every other leg is the last one of a life of the runtime: what is
 * in the log goes into the database then.
 * @throws what the runtime throws; it is closed then
 */
export async function sail(
  open: () => Promise<Runtime>,
  journey: Journey,
  tell: (told: Told) => void,
): Promise<void> {
  let lastTold = 0;
  let runtime = await open();
  const begin = (): ReturnType<typeof runtime.start<Journey, unknown>> =>
    runtime.start(voyage, journey, { id: 'r' });

  /** Until the run waits for the message that ends this leg, or has ended. */
  const follow = async (n: number): Promise<void> => {
    const handle = begin();
    // How it ends is asked for below.
    handle.result().catch(() => undefined);
    let waits = 0;
    for await (const { seq, event } of handle.events()) {
      if (seq > lastTold)
        tell({ at: 'committed', seq, type: event.type, key: 'key' in event ? event.key : '' });
      lastTold = Math.max(lastTold, seq);
      if (event.type === 'SignalAwaited') waits += 1;
      if (waits > n) return;
    }
  };

  try {
    for (let n = 0; n < journey.legs; n += 1) {
      await follow(n);
      const { name, payload, id } = messageOf(n);
      const { status } = await runtime.send('r', name, payload, { id });
      if (status === 'accepted') tell({ at: 'posted', id });
      if (n % 2 === 0) continue;
      await runtime.close();
      runtime = await open();
    }
    await follow(journey.legs);
    tell({ at: 'end', value: await begin().result() });
  } finally {
    await runtime.close();
  }
}
