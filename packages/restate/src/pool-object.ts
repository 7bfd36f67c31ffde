/**
 * Pools over all runs and workers: a virtual object by the name of each.
 *
 * Owns who holds how much, and who waits. Talks to invocations of tasks, by awakeables. Invariants: what is held is
 * within the limits, but for limits that were lowered since; who waits in front holds up the others; whoever holds is an
 * invocation, which ends, and what it held is given back then.
 */
import {
  object,
  TerminalError,
  handlers,
  rpc,
  serde,
  type InvocationId,
  type ObjectContext,
  type ObjectSharedContext,
  type SendClient,
  type VirtualObject,
  type VirtualObjectDefinition,
} from '@restatedev/restate-sdk';
import { POOL_SERVICE, type Amounts, type SlotRequest } from './remote-messages.ts';

/** Waiting in one pool at once; further ones are refused. */
const MOST_WAITING = 10_000;
/** Sums of fractions are off by less than this. */
const SLACK = 1e-9;

/** An invocation that wants a slot. */
export interface SlotAsk extends Pick<SlotRequest, 'limits' | 'cost' | 'priority'> {
  readonly holder: string;
  /** Resolved when it has one. */
  readonly awakeable: string;
}

type Waiting = Pick<SlotAsk, 'holder' | 'awakeable' | 'cost' | 'priority'>;

export interface PoolState {
  readonly limits: Amounts;
  /** By holder. */
  readonly held: Readonly<Record<string, Amounts>>;
  /** In the order in which they get it. */
  readonly waiting: readonly Waiting[];
}

const EMPTY: PoolState = { limits: {}, held: {}, waiting: [] };

// No interface: Restate's clients take records.
// oxlint-disable-next-line typescript/consistent-type-definitions
export type PoolHandlers = {
  ask(ctx: ObjectContext, ask: SlotAsk): Promise<void>;
  /** What it holds, or that it waits. Any number of times. */
  give(ctx: ObjectContext, holder: string): Promise<void>;
  /** Gives for one that ended without a word, as where somebody killed it. */
  watch(ctx: ObjectSharedContext, holder: string): Promise<void>;
  shown(ctx: ObjectSharedContext): Promise<PoolState>;
};

export type PoolObject = VirtualObjectDefinition<typeof POOL_SERVICE, PoolHandlers>;

/** Sends to a pool, by its name. */
export function poolOf(
  ctx: Pick<ObjectSharedContext, 'objectSendClient'>,
  name: string,
): SendClient<VirtualObject<PoolHandlers>> {
  return ctx.objectSendClient<PoolHandlers>({ name: POOL_SERVICE }, name);
}

/** @param watchAfterMs after which a holder that has not given back is looked after */
export function poolObject(watchAfterMs: number): PoolObject {
  const settle = (ctx: ObjectContext, state: PoolState): void => {
    const { granted, left } = grant(state);
    for (const { holder, awakeable } of granted) {
      ctx.resolveAwakeable(awakeable, true);
      poolOf(ctx, ctx.key).watch(holder, rpc.sendOpts({ delay: watchAfterMs }));
    }
    ctx.set('pool', left);
  };
  return object({
    name: POOL_SERVICE,
    handlers: {
      ask: async (ctx: ObjectContext, ask: SlotAsk) => {
        const state = await stateOf(ctx);
        if (state.waiting.length >= MOST_WAITING)
          ctx.rejectAwakeable(ask.awakeable, `${MOST_WAITING} wait for pool '${ctx.key}' already`);
        else settle(ctx, { ...state, limits: ask.limits, waiting: placed(state.waiting, ask) });
      },
      give: async (ctx: ObjectContext, holder: string) => {
        const state = await stateOf(ctx);
        const { [holder]: _, ...held } = state.held;
        settle(ctx, { ...state, held, waiting: state.waiting.filter((each) => each.holder !== holder) });
      },
      watch: handlers.object.shared(async (ctx: ObjectSharedContext, holder: string) => {
        const { held } = await stateOf(ctx);
        if (!Object.hasOwn(held, holder)) return;
        try {
          // Its id was told by the invocation itself.
          await ctx.attach(holder as InvocationId, serde.binary);
        } catch (error) {
          if (!(error instanceof TerminalError)) throw error;
        }
        poolOf(ctx, ctx.key).give(holder);
      }),
      shown: handlers.object.shared((ctx: ObjectSharedContext) => stateOf(ctx)),
    },
  });
}

async function stateOf(ctx: Pick<ObjectSharedContext, 'get'>): Promise<PoolState> {
  return (await ctx.get<PoolState>('pool')) ?? EMPTY;
}

/** Behind those of its priority. */
export function placed(
  waiting: readonly Waiting[],
  { holder, awakeable, cost, priority }: SlotAsk,
): Waiting[] {
  const at = waiting.findIndex((each) => each.priority < priority);
  return waiting.toSpliced(at === -1 ? waiting.length : at, 0, { holder, awakeable, cost, priority });
}

/**
 * Those in front get what they want as long as there is enough of it; what is more than all there is, since the limits
 * were lowered, has the pool for itself.
 */
export function grant({ limits, held, waiting }: PoolState): {
  readonly granted: readonly Waiting[];
  readonly left: PoolState;
} {
  const used: Record<string, number> = {};
  for (const cost of Object.values(held)) add(used, cost);
  let count = 0;
  for (const { cost } of waiting) {
    const isEmpty = Object.keys(used).length === 0;
    if (!isEmpty && !fits(cost, used, limits)) break;
    add(used, cost);
    count += 1;
  }
  const granted = waiting.slice(0, count);
  const now = { ...held, ...Object.fromEntries(granted.map(({ holder, cost }) => [holder, cost])) };
  return { granted, left: { limits, held: now, waiting: waiting.slice(count) } };
}

function add(total: Record<string, number>, amounts: Amounts): void {
  for (const [resource, amount] of Object.entries(amounts)) total[resource] = (total[resource] ?? 0) + amount;
}

/** What nothing limits there is enough of. */
function fits(cost: Amounts, used: Amounts, limits: Amounts): boolean {
  return Object.entries(cost).every(
    ([resource, amount]) => (used[resource] ?? 0) + amount <= (limits[resource] ?? Infinity) + SLACK,
  );
}
