/** Steps that wait for each other would never run: found before any does. */
import type { Draft } from './workflow-draft.ts';
import { find } from './workflow-draft.ts';

/** The start and the end of a step, which a group's members lie between. */
type Moment = number;

const startOf = (draft: Draft): Moment => 2 * draft.number;
const endOf = (draft: Draft): Moment => 2 * draft.number + 1;

/**
 * Cycles among drafts, each as the drafts on it, the first one declared at the front. A group's start
 * comes before those of its members, its end after theirs.
 * @param onDemand steps that any of the groups `pickers` may run
 */
export function cyclesOf(
  drafts: readonly Draft[],
  pickers: readonly Draft[],
  onDemand: readonly Draft[],
): readonly (readonly Draft[])[] {
  const before: Moment[][] = drafts.flatMap((draft) => [
    [
      ...draft.dependsOn.flatMap((id) => find(draft.names, id) ?? []).map(endOf),
      ...(draft.parent === undefined ? [] : [startOf(draft.parent)]),
    ],
    [startOf(draft), ...draft.members.map(endOf)],
  ]);
  for (const picker of pickers) {
    for (const picked of onDemand) {
      before[startOf(picked)]?.push(startOf(picker));
      before[endOf(picker)]?.push(endOf(picked));
    }
  }
  const left = unreachable(before);
  return [...walk(left, before)].map((cycle) => named(cycle, drafts));
}

/** Moments that never come, because they wait for themselves or for one that does. */
function unreachable(before: readonly (readonly Moment[])[]): ReadonlySet<Moment> {
  const after: Moment[][] = before.map(() => []);
  const open = before.map((moments, moment) => {
    for (const earlier of moments) after[earlier]?.push(moment);
    return moments.length;
  });
  const ready = open.flatMap((count, moment) => (count === 0 ? [moment] : []));
  const left = new Set(before.keys());
  for (let moment = ready.pop(); moment !== undefined; moment = ready.pop()) {
    left.delete(moment);
    for (const later of after[moment] ?? []) {
      const count = (open[later] ?? 0) - 1;
      open[later] = count;
      if (count === 0) ready.push(later);
    }
  }
  return left;
}

/** From each moment back to what it waits for, until one comes again: that is a cycle. */
function* walk(
  left: ReadonlySet<Moment>,
  before: readonly (readonly Moment[])[],
): Generator<readonly Moment[]> {
  const seen = new Set<Moment>();
  for (const first of left) {
    const way: Moment[] = [];
    const places = new Map<Moment, number>();
    let moment: Moment | undefined = first;
    while (moment !== undefined && !seen.has(moment)) {
      seen.add(moment);
      places.set(moment, way.length);
      way.push(moment);
      moment = before[moment]?.find((earlier) => left.has(earlier));
    }
    const place = moment === undefined ? undefined : places.get(moment);
    if (place !== undefined) yield way.slice(place);
  }
}

/** Its drafts without the steps from a start to its own end; at the end the first comes again. */
function named(cycle: readonly Moment[], drafts: readonly Draft[]): readonly Draft[] {
  const first = cycle.indexOf(Math.min(...cycle));
  const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
  const way = turned.flatMap((moment, place) => {
    const next = turned[(place + 1) % turned.length] ?? moment;
    const isOwn = moment % 2 === 1 && next === moment - 1;
    const draft = drafts[Math.floor(next / 2)];
    return isOwn || draft === undefined ? [] : [draft];
  });
  const start = drafts[Math.floor((turned[0] ?? 0) / 2)];
  return start === undefined ? way : [start, ...way];
}
