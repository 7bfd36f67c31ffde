import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** It stands beside `src` and beside `dist`. */
export const THIS_PROGRAM: string = fileURLToPath(new URL('../bin/pawl.js', import.meta.url));

/** From the program that was called, beside this package, or of the folder; undefined where it is not installed. */
export async function loadOptional<T>(name: string, cwd: string): Promise<T | undefined> {
  for (const from of [realpathSync(process.argv[1] ?? '.'), THIS_PROGRAM, join(cwd, 'x.js')]) {
    const path = resolvedFrom(from, name);
    // Whoever asks says what it exports.
    if (path !== undefined) return (await import(pathToFileURL(path).href)) as T;
  }
  return undefined;
}

function resolvedFrom(from: string, name: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return undefined;
  }
}
