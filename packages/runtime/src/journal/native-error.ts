/**
 * The error classes that every engine has, so that a recorded error comes back as an instance of the
 * nearest one and `instanceof TypeError` holds on replay too.
 */
type Make = (message: string, name: string) => Error;

function optionalClass(name: string): (new (...args: unknown[]) => Error) | undefined {
  const found: unknown = Reflect.get(globalThis, name);
  return typeof found === 'function' ? (found as new (...args: unknown[]) => Error) : undefined;
}

const CLASSES = new Map<string, { readonly prototype: object; readonly make: Make }>();
for (const Plain of [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError]) {
  CLASSES.set(Plain.name, { prototype: Plain.prototype, make: (message) => new Plain(message) });
}
CLASSES.set('AggregateError', {
  prototype: AggregateError.prototype,
  make: (message) => new AggregateError([], message),
});
const Suppressed = optionalClass('SuppressedError');
if (Suppressed !== undefined) {
  CLASSES.set('SuppressedError', {
    prototype: Suppressed.prototype,
    make: (message) => new Suppressed(undefined, undefined, message),
  });
}
const Dom = optionalClass('DOMException');
if (Dom !== undefined) {
  CLASSES.set('DOMException', { prototype: Dom.prototype, make: (message, name) => new Dom(message, name) });
}

const NAME_BY_PROTOTYPE: ReadonlyMap<unknown, string> = new Map(
  [...CLASSES].map(([name, { prototype }]) => [prototype, name]),
);

export function isNativeErrorName(name: string): boolean {
  return CLASSES.has(name);
}

/** The name that a foreign realm's native prototype carries, undefined for a class of the user. */
function foreignName(prototype: object): string | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  const name: unknown = Object.getOwnPropertyDescriptor(prototype, 'name')?.value;
  if (typeof constructor !== 'function' || typeof name !== 'string') return undefined;
  return constructor.name === name && CLASSES.has(name) ? name : undefined;
}

/** The nearest native class of an error: 'TypeError' for an instance of a subclass of TypeError. */
export function nativeErrorName(error: object): string {
  let prototype: unknown = Object.getPrototypeOf(error);
  while (typeof prototype === 'object' && prototype !== null) {
    const name = NAME_BY_PROTOTYPE.get(prototype) ?? foreignName(prototype);
    if (name !== undefined) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 'Error';
}

/** A new instance of a native class, of Error if there is none of that name here. */
export function makeNativeError(native: string, message: string, name: string): Error {
  const found = CLASSES.get(native);
  return found === undefined ? new Error(message) : found.make(message, name);
}

/** As engines define `message` and `stack`: there, but not among the keys. */
export function defineHidden(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: false, configurable: true });
}

/** Also for '__proto__', which an assignment would take for the prototype. */
export function defineField(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
