import type { RunId } from '../../journal/ids.ts';
import type { LogLine } from '../../journal/log-line.ts';
import type { PoolTexts } from './memory-pools.ts';
import type { WorkFacts } from './memory-work.ts';
import type { Run } from './rows.ts';
import type { SharedStep } from './shared.ts';

/** Opaque; made by `snapshot`. */
export interface MemorySnapshot {
  readonly runs: ReadonlyMap<RunId, Run>;
  readonly shared: readonly SharedStep[];
  readonly pools?: PoolTexts;
  readonly keys?: ReadonlyMap<RunId, string>;
  readonly logs?: ReadonlyMap<RunId, readonly LogLine[]>;
  readonly work?: WorkFacts;
}
