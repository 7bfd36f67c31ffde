// Installed packages carry `dist` only; in the workspace the sources run as they are.
import { existsSync } from 'node:fs';

const source = new URL('../src/serve.ts', import.meta.url);
const built = new URL('../dist/serve.js', import.meta.url);

/** The server's module: see src/serve.ts. */
export const { serve } = await import((existsSync(source) ? source : built).href);
