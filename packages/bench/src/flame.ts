/** A processor profile of Node as a flame graph: who called whom is told by the stack, how long by the width. */
import { escaped } from './chart.ts';

/** Of the Chrome DevTools protocol, as `node --cpu-prof` writes it; what is used of it. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** A node for each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Frame {
  readonly name: string;
  readonly kind: Kind;
  readonly isLeftOut: boolean;
  micros: number;
  readonly inner: Map<string, Frame>;
}

const WIDTH = 1200;
const ROW = 17;
/** What is narrower is not drawn. */
const NARROWEST = 1.2;
const CHARACTER = 6.4;
/** What lies deeper is not drawn. */
const DEEPEST = 24;
/** In a profile, but no work: the program waits, or the profiler does something of its own. */
const IDLE: ReadonlySet<string> = new Set(['(idle)', '(program)']);
/** A program loads its modules once, however long it runs. */
const LOADING = /^node:internal\/modules\//;

interface Kind {
  readonly name: string;
  readonly colour: string;
  /** Of the files that it has; the first that fits. */
  readonly path: RegExp;
}

const COLLECTION: Kind = { name: 'garbage collection', colour: '#cf222e', path: /^$/ };
const NATIVE: Kind = { name: 'native', colour: '#953800', path: /^$/ };
const ALL: Kind = { name: 'all', colour: '#424a53', path: /^$/ };

const KINDS: readonly Kind[] = [
  { name: 'kernel, views', colour: '#8250df', path: /packages\/runtime\/src\/(kernel|views)\// },
  { name: 'journal', colour: '#bf3989', path: /packages\/runtime\/src\/journal\// },
  { name: 'process', colour: '#1a7f37', path: /packages\/runtime\/src\/process\// },
  { name: 'store', colour: '#9a6700', path: /packages\/runtime\/src\/store\// },
  { name: 'engine', colour: '#0969da', path: /packages\/(runtime|sdk)\/src\// },
  { name: 'the process and its tasks', colour: '#6e7781', path: /packages\/bench\// },
  { name: 'SQLite', colour: '#bc4c00', path: /better-sqlite3/ },
  { name: 'Node', colour: '#57606a', path: /^node:/ },
  NATIVE,
  COLLECTION,
];

/** The text of an SVG file; each frame tells its name and its share where the mouse rests on it. */
export function flameOf(profile: CpuProfile, title: string): string {
  const root = merged(profile);
  const rects: string[] = [];
  const depth = draw(root, 0, 0, WIDTH / root.micros, root.micros, rects);
  const height = 58 + (depth + 1) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    '<style>text { font: 11px ui-monospace, monospace; fill: #fff; } .title { font: 600 14px system-ui, sans-serif; } .title, .key { fill: #59636e; }</style>',
    `<text class="title" x="0" y="16">${escaped(title)}</text>`,
    ...legend(),
    `<g transform="translate(0 50)">`,
    ...rects,
    '</g>',
    '</svg>\n',
  ].join('\n');
}

function legend(): string[] {
  let x = 0;
  return KINDS.map(({ name, colour }) => {
    const key = `<rect x="${x}" y="27" width="11" height="11" rx="2" fill="${colour}"/><text class="key" x="${x + 16}" y="37">${name}</text>`;
    x += 34 + name.length * CHARACTER;
    return key;
  });
}

/** Frames of the same function under the same callers are one. */
function merged({ nodes, samples, timeDeltas }: CpuProfile): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const root: Frame = { name: 'all', kind: ALL, isLeftOut: false, micros: 0, inner: new Map() };
  const stacks = new Map<number, readonly Frame[]>();
  const stackOf = (id: number): readonly Frame[] => {
    const known = stacks.get(id);
    if (known !== undefined) return known;
    const node = byId.get(id);
    const caller = callers.get(id);
    const outer = caller === undefined ? [] : stackOf(caller);
    // The first node stands for the whole.
    const stack =
      node === undefined || caller === undefined ? [root] : [...outer, frameIn(outer.at(-1) ?? root, node)];
    stacks.set(id, stack);
    return stack;
  };
  for (const [place, id] of samples.entries()) {
    const stack = stackOf(id);
    if (stack.some(({ isLeftOut }) => isLeftOut)) continue;
    for (const frame of stack) frame.micros += timeDeltas[place] ?? 0;
  }
  return root;
}

function frameIn(outer: Frame, { callFrame: { functionName, url } }: ProfileNode): Frame {
  const kind = kindOf(functionName, url);
  const file = url.split('/').at(-1) ?? '';
  const name =
    kind === COLLECTION
      ? kind.name
      : `${functionName === '' ? '(anonymous)' : functionName}${file === '' ? '' : ` ${file}`}`;
  const known = outer.inner.get(name);
  if (known !== undefined) return known;
  const isLeftOut = IDLE.has(functionName) || LOADING.test(url);
  const frame: Frame = { name, kind, isLeftOut, micros: 0, inner: new Map() };
  outer.inner.set(name, frame);
  return frame;
}

function kindOf(functionName: string, url: string): Kind {
  if (functionName === '(garbage collector)') return COLLECTION;
  return (url === '' ? undefined : KINDS.find(({ path }) => path.test(url))) ?? NATIVE;
}

/** How deep it is. */
function draw(frame: Frame, x: number, depth: number, scale: number, total: number, rects: string[]): number {
  const width = frame.micros * scale;
  if (width < NARROWEST || depth > DEEPEST) return depth;
  const share = ((100 * frame.micros) / total).toFixed(1);
  const room = Math.floor((width - 6) / CHARACTER);
  const label = room < 3 ? '' : frame.name.length <= room ? frame.name : `${frame.name.slice(0, room - 1)}…`;
  const y = depth * ROW;
  rects.push(
    `<g><title>${escaped(frame.name)}: ${share} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(0.5, width - 0.6).toFixed(1)}" height="${ROW - 1}" rx="1.5" fill="${frame.kind.colour}"/>${label === '' ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`}</g>`,
  );
  let deepest = depth;
  let at = x;
  for (const inner of [...frame.inner.values()].toSorted((a, b) => b.micros - a.micros)) {
    deepest = Math.max(deepest, draw(inner, at, depth + 1, scale, total, rects));
    at += inner.micros * scale;
  }
  return deepest;
}
