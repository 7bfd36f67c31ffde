#!/usr/bin/env node
// Installed packages carry `dist` only; in the workspace the sources run as they are.
import { existsSync } from 'node:fs';

const source = new URL('../src/bin.ts', import.meta.url);
await import(existsSync(source) ? source.href : '../dist/bin.js');
