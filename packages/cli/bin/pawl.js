#!/usr/bin/env node
// The way in. Plain JavaScript that old Nodes can parse, so that they get one clear sentence instead of a
// syntax error: nothing of ours, and no modern builtin, is imported before the version is known to suffice.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED = '22.18.0';
const here = dirname(fileURLToPath(import.meta.url));

if (isVersionAsked()) {
  process.stdout.write(`${manifestOf(join(here, '..', 'package.json')).version}\n`);
} else if (isAtLeast(process.versions.node, NEEDED)) {
  await runHere();
} else {
  const newer = process.env.PAWL_REEXEC === '1' ? undefined : findNewerNode();
  if (newer === undefined) refuse();
  else runUnder(newer);
}

/** Scripts ask it again and again, and nothing has to be loaded to say it. */
function isVersionAsked() {
  return process.argv.length === 3 && ['--version', '-V'].includes(process.argv[2]);
}

function manifestOf(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Installed packages carry `dist` only; in the workspace the sources run as they are, but where it was just built. */
async function runHere() {
  await keepCompiledCode();
  const source = join(here, '..', 'src', 'bin.ts');
  if (process.env.PAWL_BUILT === '1' || !existsSync(source)) {
    await import('../dist/bin.js');
    return;
  }
  await resolveToSources();
  await import(pathToFileURL(source).href);
}

/**
 * Compiling, and taking types off, is more than half of the time that a short command takes. The cache is the
 * user's own and not in the shared temporary folder; NODE_DISABLE_COMPILE_CACHE=1 does without.
 */
async function keepCompiledCode() {
  const { enableCompileCache } = await import('node:module');
  const caches = process.env.XDG_CACHE_HOME || process.env.LOCALAPPDATA || join(homedir(), '.cache');
  enableCompileCache(join(caches, 'pawl'));
}

/** Makes this process resolve our own packages by their `source` condition, as `node --conditions=source` does. */
async function resolveToSources() {
  if (process.execArgv.some((arg) => /^(--conditions=|-C=?)source$/.test(arg))) return;
  const { registerHooks } = await import('node:module');
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('@pawl/')
        ? next(specifier, { ...context, conditions: [...context.conditions, 'source'] })
        : next(specifier, context),
  });
}

/** The npm package `node`, where a project depends on it: found from this file, then from the working folder. */
function findNewerNode() {
  for (const from of [here, process.cwd()]) {
    try {
      const manifest = createRequire(join(from, 'x.js')).resolve('node/package.json');
      const { version } = manifestOf(manifest);
      const binary = join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
      if (isAtLeast(version, NEEDED) && existsSync(binary)) return binary;
    } catch {
      // Not installed there: look in the next place.
    }
  }
  return undefined;
}

function runUnder(binary) {
  const child = spawn(binary, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, PAWL_REEXEC: '1' },
  });
  // A terminal sends Ctrl-C to the child as well: passing it on would count as pressing it twice.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => void (onTerminal || child.kill('SIGINT')));
  process.on('SIGTERM', () => void child.kill('SIGTERM'));
  process.on('SIGHUP', () => void child.kill('SIGHUP'));
  child.on('error', (error) => {
    process.stderr.write(`pawl: cannot start ${binary}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
  });
}

function refuse() {
  process.stderr.write(
    `pawl needs Node.js ${NEEDED} or newer; this is ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer Node.js, or add one to this project: npm install --save-dev node@24\n',
  );
  process.exitCode = 2;
}

function isAtLeast(version, needed) {
  const [have, want] = [version, needed].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (let i = 0; i < 3; i += 1) {
    if (have[i] !== want[i]) return have[i] > want[i];
  }
  return true;
}
