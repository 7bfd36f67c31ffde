/**
 * A call key names one use of `ctx` by its place: `scope/ordinal`, or `scope/:name` where the code
 * gives a name. A group's branches are scopes below its key, so `2/1/0` is the first call in branch 1
 * of the run's third call. What a stream takes its items from runs in `2/src`, and what a `ctx.scope`
 * does when it ends in `2/exit`. The root scope is the empty string.
 */
export type CallKey = string;
export type ScopePath = string;

export const ROOT_SCOPE: ScopePath = '';

const SOURCE = 'src';
const EXIT = 'exit';
const STATE = 'state';

function join(scope: ScopePath, segment: string): CallKey {
  return scope === ROOT_SCOPE ? segment : `${scope}/${segment}`;
}

/** Percent-encodes what would make a name ambiguous or unreadable in a path. */
function escapeName(name: string): string {
  return name.replace(/[%/\p{C}\p{Z}]/gu, (char) =>
    encodeURIComponent(char.isWellFormed() ? char : '\uFFFD'),
  );
}

export function ordinalKey(scope: ScopePath, ordinal: number): CallKey {
  return join(scope, String(ordinal));
}

export function namedKey(scope: ScopePath, name: string): CallKey {
  return join(scope, `:${escapeName(name)}`);
}

/** The scope in which the source of a stream runs. No ordinal and no name looks like it. */
export function sourceKey(scope: ScopePath): ScopePath {
  return join(scope, SOURCE);
}

/** Whether a branch's path is that of a source: it does none of the work on the items. */
export function isSourcePath(path: ScopePath): boolean {
  return path.endsWith(`/${SOURCE}`);
}

/** The scope in which the exits of a `ctx.scope` run. No ordinal and no name looks like it. */
export function exitPath(scope: CallKey): ScopePath {
  return join(scope, EXIT);
}

/** Whether a branch's path is that of the exits of a `ctx.scope`. */
export function isExitPath(path: ScopePath): boolean {
  return path.endsWith(`/${EXIT}`);
}

/** Of what a scope asks about a change: `v:name` the first time, then `v1:name`, `v2:name`. */
export function versionKey(scope: ScopePath, name: string, times: number): CallKey {
  return join(scope, `v${times === 0 ? '' : times}:${escapeName(name)}`);
}

/** Of all that a scope sets of the run's state. */
export function stateKey(scope: ScopePath): CallKey {
  return join(scope, STATE);
}

/** The scope that numbers a call. */
export function scopeOf(key: CallKey): ScopePath {
  const slash = key.lastIndexOf('/');
  return slash === -1 ? ROOT_SCOPE : key.slice(0, slash);
}

/** True where `key` lies in `scope` or deeper. */
export function isWithin(key: CallKey, scope: ScopePath): boolean {
  return scope === ROOT_SCOPE || key === scope || key.startsWith(`${scope}/`);
}

/** Orders keys by place: the source, ordinals by number, then names, exits, and what is no call; parents before what they hold. */
export function compareKeys(a: CallKey, b: CallKey): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    const x = left[i] ?? '';
    const y = right[i] ?? '';
    if (x === y) continue;
    const rank = rankOf(x) - rankOf(y);
    if (rank !== 0) return rank;
    if (rankOf(x) !== 1) return x < y ? -1 : 1;
    return Number(x) - Number(y);
  }
  return left.length - right.length;
}

function rankOf(segment: string): number {
  if (segment === SOURCE) return 0;
  if (segment === EXIT) return 3;
  if (segment.startsWith(':')) return 2;
  return segment === STATE || segment.includes(':') ? 4 : 1;
}
