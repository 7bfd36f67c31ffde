import { importedAs } from './imported.ts';
import { bare, child, children, nameOf, propertyOf, type Node } from './node.ts';
import { variableAt, type RuleContext } from './rule.ts';

/** What a call in process code is of, by what is to be used instead. */
export interface Impure {
  readonly name: string;
  readonly messageId: 'clock' | 'random' | 'effect' | 'wait' | 'environment';
  /** The same, of ctx. */
  readonly instead?: (ctx: string) => string;
}

type Found = Omit<Impure, 'name'>;

const NOW: Found = { messageId: 'clock', instead: (ctx) => `${ctx}.now().getTime()` };
const DATE: Found = { messageId: 'clock', instead: (ctx) => `${ctx}.now()` };
const CLOCK: Found = { messageId: 'clock' };
const RANDOM: Found = { messageId: 'random' };
const CHANCE: Found = { messageId: 'random', instead: (ctx) => `${ctx}.random()` };
const UUID: Found = { messageId: 'random', instead: (ctx) => `${ctx}.uuid()` };
const EFFECT: Found = { messageId: 'effect' };
const WAIT: Found = { messageId: 'wait' };

const GLOBALS: Readonly<Record<string, Found>> = {
  'Date.now': NOW,
  Date: CLOCK,
  'performance.now': CLOCK,
  'process.hrtime': CLOCK,
  'process.uptime': CLOCK,
  'Math.random': CHANCE,
  'crypto.randomUUID': UUID,
  'crypto.getRandomValues': RANDOM,
  fetch: EFFECT,
  setTimeout: WAIT,
  setInterval: WAIT,
  setImmediate: WAIT,
};
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate'];
const RANDOM_NAMES = ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'getRandomValues'];
/** They compute, and touch nothing. */
const PURE_FILE_NAMES = new Set(['constants', 'Stats', 'Dirent']);
/** Objects that hold the functions of a module, too. */
const INNER = new Set(['promises', 'default', 'webcrypto', 'bigint']);

/** What a function of a builtin module of Node is. */
function inModule(source: string, name: string): Found | undefined {
  switch (source) {
    case 'fs':
    case 'fs/promises':
      return PURE_FILE_NAMES.has(name) ? undefined : EFFECT;
    case 'child_process':
      return EFFECT;
    case 'http':
    case 'https':
      return ['get', 'request'].includes(name) ? EFFECT : undefined;
    case 'net':
    case 'tls':
      return ['connect', 'createConnection'].includes(name) ? EFFECT : undefined;
    case 'timers':
    case 'timers/promises':
      return TIMERS.includes(name) ? WAIT : undefined;
    case 'crypto':
      return name === 'randomUUID' ? UUID : RANDOM_NAMES.includes(name) ? RANDOM : undefined;
    case 'perf_hooks':
      return name === 'performance.now' ? CLOCK : undefined;
    case 'process':
      return ['hrtime', 'uptime'].includes(name) ? CLOCK : undefined;
    default:
      return undefined;
  }
}

/** `a.b.c` as its names; undefined where it is anything else. */
function path(node: Node): { readonly root: Node; readonly names: readonly string[] } | undefined {
  const inner = bare(node);
  if (inner.type === 'Identifier') return { root: inner, names: [] };
  const object = child(inner, 'object');
  const property = propertyOf(inner);
  const before = object === undefined || property === undefined ? undefined : path(object);
  return before === undefined || property === undefined
    ? undefined
    : { root: before.root, names: [...before.names, property] };
}

function named(name: string, found: Found | undefined): Impure | undefined {
  return found === undefined ? undefined : { name, ...found };
}

/** @param node a call, a `new`, or something that is assigned to or deleted */
export function impureAt(context: RuleContext, node: Node): Impure | undefined {
  if (node.type === 'AssignmentExpression') return environmentAt(context, child(node, 'left'));
  if (node.type === 'UnaryExpression')
    return node['operator'] === 'delete' ? environmentAt(context, child(node, 'argument')) : undefined;
  const callee = child(node, 'callee');
  const place = callee === undefined ? undefined : path(callee);
  if (place === undefined) return undefined;
  const { root, names } = place;
  const shown = [nameOf(root) ?? '', ...names].join('.');
  if (node.type === 'NewExpression') {
    const isNow = shown === 'Date' && children(node, 'arguments').length === 0;
    return isNow && variableAt(context, root) === undefined ? named('new Date()', DATE) : undefined;
  }
  const imported = importedAs(context, root);
  if (imported !== undefined) {
    const [first] = names;
    // A function of a function, such as `execFile.bind`, is no call of it.
    if (!['*', 'default'].includes(imported.name))
      return names.length === 0 || INNER.has(imported.name) || imported.name === 'performance'
        ? named(
            shown,
            inModule(
              imported.source,
              [imported.name, ...names].join('.').replace(/^(promises|webcrypto)\./, ''),
            ),
          )
        : undefined;
    const rest = first !== undefined && INNER.has(first) ? names.slice(1) : names;
    return rest.length === 0 ? undefined : named(shown, inModule(imported.source, rest.join('.')));
  }
  if (variableAt(context, root) !== undefined) return undefined;
  const global = nameOf(root) === 'globalThis' ? names.join('.') : shown;
  return named(global, Object.hasOwn(GLOBALS, global) ? GLOBALS[global] : undefined);
}

function environmentAt(context: RuleContext, target: Node | undefined): Impure | undefined {
  const place = target === undefined ? undefined : path(target);
  if (place === undefined || nameOf(place.root) !== 'process' || place.names[0] !== 'env') return undefined;
  const imported = importedAs(context, place.root);
  if (imported === undefined ? variableAt(context, place.root) !== undefined : imported.source !== 'process')
    return undefined;
  return { name: 'process.env', messageId: 'environment' };
}
