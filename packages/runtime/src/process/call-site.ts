const OWN_FOLDER = new URL('..', import.meta.url).href;
const SDK_FOLDER = /[/\\]@pawl[/\\]|[/\\]packages[/\\]sdk[/\\]/;

/** Where a stack first leaves Pawl's own code: `file:line:column`, or undefined. */
export function callSite(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n').slice(1)) {
    const place = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place === undefined || place.startsWith(OWN_FOLDER) || SDK_FOLDER.test(place)) continue;
    if (line.includes('node:')) continue;
    return place.replace(/^file:\/\//, '');
  }
  return undefined;
}

/** A stack that costs little until it is read. */
export function here(): { readonly stack?: string } {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, here);
  return holder;
}
