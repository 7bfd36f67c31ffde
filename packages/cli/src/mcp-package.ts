import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { RuntimeError } from '@pawl/runtime/errors';

/** What `@pawl/mcp/serve` exports, of which nothing is loaded before it is asked for. */
export interface McpPackage {
  serve(options: {
    readonly command: readonly [string, ...string[]];
    readonly folder: string;
    readonly db: string | undefined;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly allowWrite: boolean;
  }): Promise<void>;
}

/** This program, as another one calls it; it stands beside `src` and beside `dist`. */
export const PAWL_COMMAND: readonly [string, string] = [
  process.execPath,
  fileURLToPath(new URL('../bin/pawl.js', import.meta.url)),
];

/** From the program that was called, beside this package, or of the folder. @throws RuntimeError NOT_FOUND */
export async function loadMcp(cwd: string): Promise<McpPackage> {
  for (const from of [realpathSync(process.argv[1] ?? '.'), PAWL_COMMAND[1], join(cwd, 'x.js')]) {
    const path = resolvedFrom(from);
    if (path !== undefined) return (await import(pathToFileURL(path).href)) as McpPackage;
  }
  throw new RuntimeError(
    'NOT_FOUND',
    'The MCP server is a package of its own, and it is not installed here.',
    {
      hint: 'npm install @pawl/mcp   (or, as the command of the client: npx -y @pawl/mcp)',
    },
  );
}

function resolvedFrom(from: string): string | undefined {
  try {
    return createRequire(from).resolve('@pawl/mcp/serve');
  } catch {
    return undefined;
  }
}
