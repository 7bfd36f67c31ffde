const OWN_FOLDER = plainPath(new URL('..', import.meta.url).href);

const PLACE = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?:\d+:\d+)\)?$/;

/** Where a stack first leaves Pawl's own code: `file:line:column`, or undefined. */
export function callSite(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const place = PLACE.exec(line)?.[1];
    if (place === undefined || line.includes('node:')) continue;
    const path = plainPath(place);
    if (!path.startsWith(OWN_FOLDER)) return path;
  }
  return undefined;
}

/** Modules that are loaded by process code: Node's loader, and that of Vite and Vitest. */
const LOADER = /node:internal\/modules\/|[\\/]vite[\\/].*module-runner/;
const LIBRARY = /[\\/]node_modules[\\/]/;

/**
 * Where the user's own code made the call that the stack is of: `file:line:column`. Undefined where a library or Node
 * made it, and where a module makes it while it is loaded.
 */
export function ownCallSite(stack: string | undefined): string | undefined {
  // Whoever formats stacks may make anything of them.
  if (typeof stack !== 'string' || LOADER.test(stack)) return undefined;
  for (const line of stack.split('\n').slice(1)) {
    // A function of the language, such as Array.map, between the two.
    if (/[( ](<anonymous>|native)\)?$/.test(line)) continue;
    const place = PLACE.exec(line)?.[1];
    if (place === undefined || line.includes('node:')) return undefined;
    const path = plainPath(place);
    if (!path.startsWith(OWN_FOLDER)) return LIBRARY.test(path) ? undefined : path;
  }
  return undefined;
}

/** Frames name files by URL or by path, depending on who loaded them. */
function plainPath(place: string): string {
  if (!place.startsWith('file://')) return place;
  // A query is what a test runner, or who loads a module anew, asks with: the file has no such name.
  return place.slice('file://'.length).replace(/\?.*?(?=(:\d+:\d+)?$)/, '');
}

/** Frames of our own may stand before the first of the user's. */
const FRAMES = 40;

/** A stack that costs little until it is read. */
export function here(): { readonly stack?: string } {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  Error.captureStackTrace(holder, here);
  Error.stackTraceLimit = limit;
  return holder;
}
