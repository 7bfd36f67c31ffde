import { RuntimeError } from '@pawl/runtime/errors';

import { loadOptional, THIS_PROGRAM } from './optional-package.ts';

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

/** This program, as another one calls it. */
export const PAWL_COMMAND: readonly [string, string] = [process.execPath, THIS_PROGRAM];

/** @throws RuntimeError NOT_FOUND */
export async function loadMcp(cwd: string): Promise<McpPackage> {
  const loaded = await loadOptional<McpPackage>('@pawl/mcp/serve', cwd);
  if (loaded !== undefined) return loaded;
  throw new RuntimeError(
    'NOT_FOUND',
    'The MCP server is a package of its own, and it is not installed here.',
    {
      hint: 'npm install @pawl/mcp   (or, as the command of the client: npx -y @pawl/mcp)',
    },
  );
}
