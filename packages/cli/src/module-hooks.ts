/**
 * What `import` and `require` find.
 *
 * Owns which modules have aliases: an entry that was loaded with some, and all that is reached from there. The SDK is
 * always the copy beside this CLI, so that a folder without node_modules works, and so that there are never two.
 */
import { realpathSync } from 'node:fs';
import { createRequire, registerHooks, type ResolveFnOutput, type ResolveHookContext } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Aliases } from './alias.ts';
import { formatOf } from './module-format.ts';

export const SDK = '@pawl/sdk';

/** By the URL of the module that imports. */
const scopes = new Map<string, { readonly aliases: Aliases; readonly cwd: string }>();

/** From now on, in this process. */
export function hookModules(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const scope = scopes.get(plainUrl(context.parentURL ?? ''));
      const target = scope?.aliases.get(specifier);
      const wanted = target ?? specifier;
      const isSdk = wanted === SDK || wanted.startsWith(`${SDK}/`);
      const from = isSdk ? import.meta.url : target === undefined ? undefined : folderUrl(scope?.cwd ?? '');
      const resolved = from === undefined ? next(wanted, context) : resolveFrom(from, wanted, context, next);
      // A module is read once: whoever came first says what it imports.
      const url = plainUrl(resolved.url);
      if (scope !== undefined && !isSdk && !scopes.has(url)) scopes.set(url, scope);
      const format = formatOf(resolved);
      return format === resolved.format ? resolved : { ...resolved, format };
    },
  });
}

type Next = (specifier: string, context: ResolveHookContext) => ResolveFnOutput;

/** As if another module asked for it. `require` takes no parent from a hook, so there it is resolved here. */
function resolveFrom(from: string, wanted: string, context: ResolveHookContext, next: Next): ResolveFnOutput {
  // In Node 22 it is a set.
  if (from === context.parentURL || ![...context.conditions].includes('require'))
    return next(wanted, { ...context, parentURL: from });
  const url =
    from === import.meta.url
      ? import.meta.resolve(wanted)
      : pathToFileURL(createRequire(from).resolve(wanted)).href;
  return { url, shortCircuit: true };
}

/** What this module imports, and what is reached from there, goes by these aliases. */
export function useAliases(path: string, aliases: Aliases, cwd: string): void {
  if (aliases.size === 0) return;
  for (const each of [path, realpathSync(path)]) scopes.set(pathToFileURL(each).href, { aliases, cwd });
}

function plainUrl(url: string): string {
  return url.replace(/[?#].*$/, '');
}

function folderUrl(folder: string): string {
  return pathToFileURL(join(folder, 'pawl')).href;
}
