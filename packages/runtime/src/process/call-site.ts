const OWN_FOLDER = plainPath(new URL('..', import.meta.url).href);

/** Where a stack first leaves Pawl's own code: `file:line:column`, or undefined. */
export function callSite(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const place = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place === undefined || line.includes('node:')) continue;
    const path = plainPath(place);
    if (!path.startsWith(OWN_FOLDER)) return path;
  }
  return undefined;
}

/** Frames name files by URL or by path, depending on who loaded them. */
function plainPath(place: string): string {
  return place.replace(/^file:\/\//, '');
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
