import type { OpenModelGroup } from './model-group.ts';
import type { ModelScope } from './model-scope.ts';

interface Watch {
  readonly scope: ModelScope;
  /** Calls that were pending when it began, and are. */
  readonly left: Set<string>;
  /** Of these, what no fence had reached then, with their scopes. */
  readonly spared: Map<string, ModelScope>;
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

  add(scope: ModelScope, callback: () => void): void {
    const within = [...this.#pending].filter(([key]) => isIn(key, scope.path));
    if (within.length === 0) {
      callback();
      return;
    }
    const spared = within.flatMap(([key, call]) => (call.scope.isFenced ? [] : [[key, call.scope] as const]));
    const watch = { scope, left: new Set(within.map(([key]) => key)), spared: new Map(spared), callback };
    this.#watches.add(watch);
    this.#look(watch);
  }

  settled(key: string): void {
    for (const watch of this.#watches) {
      watch.spared.delete(key);
      if (!watch.left.delete(key) || watch.left.size > 0) continue;
      this.#watches.delete(watch);
      watch.callback();
    }
  }

  /** Nothing of a group goes on any more. */
  closed(group: string): void {
    for (const watch of this.#watches) if (isIn(group, watch.scope.path)) this.#look(watch);
  }

  /** Whether somebody waits for what branches of the group left behind, and none of them goes on. */
  isLeft(group: string): boolean {
    const watch = this.#watchOf(group);
    return watch !== undefined && !this.#goesOn(watch);
  }

  /** @returns whether there was something to give up */
  giveUp(group: string): boolean {
    const spared = this.#watchOf(group)?.spared ?? new Map<string, ModelScope>();
    for (const [key, inner] of spared) {
      if (!isIn(key, group)) continue;
      let scope: ModelScope | undefined = inner;
      while (scope !== undefined && scope.path !== group) scope = scope.parent;
      scope?.raise('outside');
      return true;
    }
    return false;
  }

  #watchOf(group: string): Watch | undefined {
    return this.#watches.values().find(({ spared }) => spared.keys().some((key) => isIn(key, group)));
  }

  #goesOn({ scope }: Watch): boolean {
    return this.#groups.values().some(({ key, isDetached }) => isDetached && isIn(key, scope.path));
  }

  #look(watch: Watch): void {
    if (this.#goesOn(watch)) return;
    const groups = new Set<string>();
    for (const inner of watch.spared.values()) {
      if (inner.isFenced) continue;
      let found: string | undefined;
      for (let scope = inner.parent; scope !== undefined && scope !== watch.scope; scope = scope.parent)
        if (scope.isDetached) found = scope.path;
      if (found !== undefined) groups.add(found);
    }
    for (const group of groups) this.#onLeft(group);
  }
}
