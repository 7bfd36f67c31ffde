import type { Case, Subject } from './case.ts';
import { askPeer, type Peer } from './peers.ts';
import type { Round } from './round.ts';
import { isSkipped, type Sample, type Skipped } from './sample.ts';
import { measureIn, programOf } from './spawn.ts';

export interface Measuring {
  readonly rounds: number;
  readonly peers: readonly Peer[];
  /** Where journals are written. */
  readonly folder: string;
  /** Told before each measurement. */
  readonly onStep: (what: string) => void;
}

interface Step {
  readonly who: string;
  readonly take: () => Promise<Sample | Skipped>;
}

/** Far above what any case takes. */
const LIMIT_MS = 1_800_000;

/** Raw, ours, peers, raw, and again: what changes on the machine meanwhile meets all of them. @throws BenchFailure */
export async function measureCase(subject: Case, measuring: Measuring): Promise<Round[]> {
  const { folder } = measuring;
  const rounds: Round[] = [];
  const gaveUp = new Map<string, Skipped>();
  const own = ({ who, order }: Subject): Step => ({
    who,
    take: () => measureIn(folder, programOf(order), LIMIT_MS),
  });
  const raw = subject.raw.map(own);
  const { peers: asked } = subject;
  const others =
    asked === null
      ? []
      : measuring.peers.map((peer): Step => {
          // What a peer cannot do it cannot do in the next round either.
          const take = async (): Promise<Sample | Skipped> =>
            gaveUp.get(peer.name) ?? askPeer(peer, asked, folder);
          return { who: peer.name, take };
        });
  for (let n = 1; n <= measuring.rounds; n += 1) {
    const results: { readonly who: string; readonly result: Sample | Skipped }[] = [];
    for (const { who, take } of [...raw, ...subject.ours.map(own), ...others, ...raw]) {
      measuring.onStep(`${subject.id} ${subject.title}, round ${n} of ${measuring.rounds}: ${who}`);
      const result = await take();
      if (isSkipped(result)) gaveUp.set(who, result);
      results.push({ who, result });
    }
    rounds.push({ results });
  }
  return rounds;
}
