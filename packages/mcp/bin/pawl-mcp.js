#!/usr/bin/env node
// `pawl mcp` for clients that start a server by npx: the same program, found from here.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const cli = dirname(createRequire(import.meta.url).resolve('@pawl/cli/package.json'));
process.argv.splice(1, 1, fileURLToPath(import.meta.url), 'mcp');
await import(pathToFileURL(join(cli, 'bin', 'pawl.js')).href);
