/**
 * Which of the language's own kinds an object is, also when it comes from another realm (a `vm`
 * context). Only looks: that a value which claims to be a Map really is one shows when it is read.
 */
export interface ViewConstructor {
  new (buffer: ArrayBuffer): ArrayBufferView<ArrayBuffer>;
  readonly name: string;
  readonly prototype: object;
  readonly BYTES_PER_ELEMENT: number;
}

function optionalView(name: string): readonly ViewConstructor[] {
  const found: unknown = Reflect.get(globalThis, name);
  return typeof found === 'function' ? [found as unknown as ViewConstructor] : [];
}

/** Typed arrays by name; Float16Array where the engine has it. */
export const VIEWS: ReadonlyMap<string, ViewConstructor> = new Map(
  [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    ...optionalView('Float16Array'),
  ].map((view) => [view.name, view as ViewConstructor] as const),
);

export type BuiltinKind =
  | 'Object'
  | 'Array'
  | 'Date'
  | 'Map'
  | 'Set'
  | 'RegExp'
  | 'URL'
  | 'ArrayBuffer'
  | 'DataView'
  | 'TypedArray'
  | 'Error';

const KIND_BY_NAME: ReadonlyMap<string, BuiltinKind> = new Map<string, BuiltinKind>([
  ['Object', 'Object'],
  ['Array', 'Array'],
  ['Date', 'Date'],
  ['Map', 'Map'],
  ['Set', 'Set'],
  ['RegExp', 'RegExp'],
  ['URL', 'URL'],
  ['ArrayBuffer', 'ArrayBuffer'],
  ['DataView', 'DataView'],
  ...[...VIEWS.keys()].map((name): [string, BuiltinKind] => [name, 'TypedArray']),
]);

const KIND_BY_PROTOTYPE: ReadonlyMap<object, BuiltinKind> = new Map<object, BuiltinKind>([
  [Date.prototype, 'Date'],
  [Map.prototype, 'Map'],
  [Set.prototype, 'Set'],
  [RegExp.prototype, 'RegExp'],
  [URL.prototype, 'URL'],
  [ArrayBuffer.prototype, 'ArrayBuffer'],
  [DataView.prototype, 'DataView'],
  ...[...VIEWS.values()].map((view): [object, BuiltinKind] => [view.prototype, 'TypedArray']),
]);

/** Own prototypes between a built-in's prototype and null: %TypedArray% stands between, else only Object. */
function ancestors(prototype: object): number {
  let count = 0;
  let next: unknown = Object.getPrototypeOf(prototype);
  while (typeof next === 'object' && next !== null) {
    count += 1;
    next = Object.getPrototypeOf(next);
  }
  return count;
}

function ownConstructorName(prototype: object): string | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof constructor === 'function' ? constructor.name : undefined;
}

/** True for the prototype of the same built-in in another realm, false for that of a subclass. */
function isForeign(prototype: object, name: string, kind: BuiltinKind): boolean {
  const expected = kind === 'Object' ? 0 : kind === 'TypedArray' ? 2 : 1;
  return ownConstructorName(prototype) === name && ancestors(prototype) === expected;
}

function isNodeBuffer(value: object, prototype: object): boolean {
  return value instanceof Uint8Array && ownConstructorName(prototype) === 'Buffer';
}

/** `instanceof` for what was thrown: that may be a proxy whose traps throw. */
export function isThrown<T>(thrown: unknown, by: abstract new (...args: never[]) => T): thrown is T {
  try {
    return thrown instanceof by;
  } catch {
    return false;
  }
}

export function isErrorLike(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/** The kind of `value`, undefined for an instance of any other class. */
export function builtinKind(value: object, prototype: object): BuiltinKind | undefined {
  const own = KIND_BY_PROTOTYPE.get(prototype);
  if (own !== undefined) return own;
  if (isErrorLike(value)) return 'Error';
  if (isNodeBuffer(value, prototype)) return 'TypedArray';
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  const kind = KIND_BY_NAME.get(name);
  return kind !== undefined && isForeign(prototype, name, kind) ? kind : undefined;
}

/** 'Order' for an instance of class Order; for messages, so it never throws. */
export function className(value: object): string {
  try {
    const constructor: unknown = Reflect.get(value, 'constructor');
    return typeof constructor === 'function' && constructor.name !== ''
      ? constructor.name
      : 'an unnamed class';
  } catch {
    return 'an unreadable class';
  }
}
