import type { OpenModelGroup } from './model-group.ts';
import type { ModelScope } from './model-scope.ts';

interface Watch {
  readonly scope: ModelScope;
  /** Calls that were pending when it began, and are. */
  readonly left: Map<string, ModelScope>;
  readonly callback: () => void;
}

const isIn = (key: string, path: string): boolean => key === path || key.startsWith(`${path}/`);

/** Who waits until nothing in a scope of the model is pending any more. */
export class ModelWatches {
  readonly #pending: ReadonlyMap<string, { readonly scope: ModelScope }>;
  readonly #groups: ReadonlyMap<string, OpenModelGroup>;
  /** Told of a group whose branches have all ended, and left something behind that is waited for. */
  readonly #onLeft: (group: string) => void;
  readonly #watches = new Set<Watch>();

  constructor(
    pending: ReadonlyMap<string, { readonly scope: ModelScope }>,
    groups: ReadonlyMap<string, OpenModelGroup>,
    onLeft: (group: string) => void,
  ) {
    this.#pending = pending;
    this.#groups = groups;
    this.#onLeft = onLeft;
  }

  /** @returns nobody waits any more */
  add(scope: ModelScope, callback: () => void): () => void {
    const within = [...this.#pending].filter(([key]) => isIn(key, scope.path));
    const watch = { scope, left: new Map(within.map(([key, call]) => [key, call.scope])), callback };
    if (within.length === 0) callback();
    else this.#watches.add(watch);
    this.closed(scope.path);
    return () => void this.#watches.delete(watch);
  }

  settled(key: string): void {
    for (const watch of this.#watches) {
      if (!watch.left.delete(key) || watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }

  /** Nothing of a group goes on any more. */
  closed(group: string): void {
    for (const watch of this.#watches)
      if (isIn(group, watch.scope.path)) for (const { path } of this.#abandoned(watch)) this.#onLeft(path);
  }

  /** Whether somebody waits for what branches of the group left behind, and none of them goes on. */
  isLeft(group: string): boolean {
    return this.#watches
      .values()
      .some((watch) => [...this.#abandoned(watch)].some(({ path }) => path === group));
  }

  /** @returns whether there was something to give up */
  giveUp(group: string): boolean {
    const inside = this.#watches
      .values()
      .flatMap((watch) => watch.left.values().map((scope) => outermost(scope, watch.scope)))
      .find((scope) => scope?.path === group);
    inside?.raise('outside');
    return inside !== undefined;
  }

  /** Groups whose branches have ended, and left something pending that is waited for. */
  #abandoned({ scope, left }: Watch): ReadonlySet<ModelScope> {
    const goesOn = (group: OpenModelGroup): boolean => group.isDetached && isIn(group.key, scope.path);
    if (this.#groups.values().some(goesOn)) return new Set();
    const groups = left.values().flatMap((inner) => (inner.isFenced ? [] : [outermost(inner, scope)]));
    return new Set(groups.filter((group) => group !== undefined));
  }
}

/** The outermost detached group around a scope, within another one. */
function outermost(inner: ModelScope, around: ModelScope): ModelScope | undefined {
  let found: ModelScope | undefined;
  for (let scope: ModelScope | undefined = inner; scope !== around; scope = scope.parent) {
    if (scope === undefined) return undefined;
    if (scope.isDetached) found = scope;
  }
  return found;
}
