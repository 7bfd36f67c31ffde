import { readFileSync } from 'node:fs';

/** The package's own; it stands beside `src` and beside `dist`. */
export const CLI_VERSION: string = readVersion(new URL('../package.json', import.meta.url));

function readVersion(manifest: URL): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version?: unknown };
  return typeof version === 'string' ? version : 'unknown';
}
