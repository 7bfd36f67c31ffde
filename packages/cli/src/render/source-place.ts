import { isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const FRAME = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?:\d+:\d+)\)?$/;

/**
 * Where a stack is first in the user's own code, as `file:line:column`, relative to `cwd` where the
 * file lies below it; undefined where no frame is.
 * @param ownFolders where Pawl's code lies: its frames are not the user's
 */
export function sourcePlace(
  stack: string | undefined,
  cwd: string,
  ownFolders: readonly string[],
): string | undefined {
  for (const line of (stack ?? '').split('\n')) {
    const place = FRAME.exec(line.trimEnd())?.[1];
    if (place === undefined || !/^\s*at /.test(line) || line.includes('node:')) continue;
    const path = plainPath(place);
    if (/[/\\]node_modules[/\\]/.test(path)) continue;
    if (ownFolders.some((folder) => path.startsWith(folder))) continue;
    return relativeTo(cwd, path);
  }
  return undefined;
}

function plainPath(place: string): string {
  if (!place.startsWith('file://')) return place;
  const [, url = place, position = ''] = /^(.*?)((?::\d+){1,2})$/.exec(place) ?? [];
  try {
    return fileURLToPath(url) + position;
  } catch {
    return place;
  }
}

/** A path as a person in `cwd` would write it: unchanged where it lies elsewhere. */
export function relativeTo(cwd: string, path: string): string {
  if (!isAbsolute(path)) return path;
  const below = relative(cwd, path);
  return below === '' || below.startsWith('..') || isAbsolute(below) ? path : below;
}
