import { InvalidOptionError } from '@pawl/sdk';

/** Every bound of the engine; each has a default and a named error. */
export interface Limits {
  /** Thunks of one parallel call. */
  readonly fanOut: number;
  /** Parallel calls within each other. Thunks are called within the call, so the stack is the other bound. */
  readonly groupDepth: number;
  /** Runs within runs (`ctx.run`): a run that nothing started is at depth 0. */
  readonly runDepth: number;
  /** ctx calls that are made before one of them settles. */
  readonly callsPerTurn: number;
  /** Size of one input, output or result, in characters of JSON. */
  readonly payloadBytes: number;
  /** In-process attempts of all runs under way at once. */
  readonly inFlight: number;
  /** Commands under way at once: slots of the pool 'shell', which a shellTask has unless it names another. */
  readonly shells: number;
  /** Worker threads under way at once: slots of the pool 'thread', which a threadTask has unless it names another. */
  readonly threads: number;
  /** Heap of one worker thread, in MiB, at least 16: a thread that needs more is lost. */
  readonly threadMemoryMb: number;
  /** Processes of processTasks under way at once: slots of the pool 'process'. */
  readonly processes: number;
  /** Events of one run that are gathered before they are committed. */
  readonly burstEvents: number;
  /** Items of one stream that were told and not taken by the process. */
  readonly streamItems: number;
  /** Events of one run that a mark has made useless before they are removed from the journal. */
  readonly compactRows: number;
  /** Calls that wait for a slot of one pool that sets no queueSize: further ones fail with QueueFullError. */
  readonly queueLength: number;
  /** Names of pools that one run uses. */
  readonly pools: number;
  /** Tasks that one `ctx.scope` registers for its end. */
  readonly scopeExits: number;
  /** Names under which one run sets its state. */
  readonly stateNames: number;
  /** Size of one value of a run's state, in characters of JSON. */
  readonly stateBytes: number;
  /** Lines of what one run logged that are kept, the newest. */
  readonly logLines: number;
  /** The same of one task call. */
  readonly logLinesPerCall: number;
  /** Characters of one of them; what is longer is cut. */
  readonly logLineBytes: number;
}

/** With less Node cannot even begin a thread, and ends the whole program for it. */
const SMALLEST_THREAD_MB = 16;

/** @param cores processors of this machine */
export function resolveLimits(given: Partial<Limits> | undefined, cores: number): Limits {
  const limits: Limits = {
    fanOut: 100_000,
    groupDepth: 200,
    runDepth: 16,
    callsPerTurn: 1_000_000,
    payloadBytes: 16 * 1024 * 1024,
    inFlight: 512,
    shells: Math.max(2, 2 * cores),
    threads: Math.max(2, 2 * cores),
    threadMemoryMb: 1024,
    processes: Math.max(2, 2 * cores),
    burstEvents: 4096,
    streamItems: 10_000,
    compactRows: 5000,
    queueLength: 1_000_000,
    pools: 1000,
    scopeExits: 10_000,
    stateNames: 64,
    stateBytes: 4096,
    logLines: 10_000,
    logLinesPerCall: 1000,
    logLineBytes: 4096,
    ...given,
  };
  for (const [name, value] of Object.entries(limits)) {
    const least = name === 'threadMemoryMb' ? SMALLEST_THREAD_MB : 1;
    if (!Number.isInteger(value) || value < least)
      throw new InvalidOptionError(`limits.${name}`, value, `an integer >= ${least}`);
  }
  return limits;
}
