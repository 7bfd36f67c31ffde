/**
 * How modules of the user are found and read.
 *
 * Owns the hooks by which it is found out what a module is, and where the SDK is: always the copy
 * beside this CLI, so that a folder without node_modules works, and so that there are never two.
 */
import { registerHooks } from 'node:module';

import { formatOf } from './module-format.ts';

const SDK = '@pawl/sdk';

/** From now on, in this process. */
export function hookModules(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const isSdk = specifier === SDK || specifier.startsWith(`${SDK}/`);
      const resolved = next(specifier, isSdk ? { ...context, parentURL: import.meta.url } : context);
      const format = formatOf(resolved);
      return format === resolved.format ? resolved : { ...resolved, format };
    },
  });
}
