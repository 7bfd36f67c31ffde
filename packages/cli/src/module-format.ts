import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

interface Resolved {
  readonly url: string;
  readonly format?: string | null | undefined;
}

/** What V8 says of a module that it was told is a script. */
const ESM_ONLY =
  /^(Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\.meta')/;

/**
 * `npm init` writes "type": "commonjs", and then Node takes a file with `import` and `export` for a
 * script, which cannot be: such a file, outside node_modules, is a module. What may be a script stays one.
 */
export function formatOf({ url, format }: Resolved): string | null | undefined {
  const isScript = format === 'commonjs' || format === 'commonjs-typescript';
  if (!isScript || !/^file:.*\.[jt]s$/.test(url) || url.includes('/node_modules/')) return format;
  if (!canOnlyBeModule(url, format === 'commonjs-typescript')) return format;
  return format === 'commonjs' ? 'module' : 'module-typescript';
}

function canOnlyBeModule(url: string, isTypeScript: boolean): boolean {
  try {
    const text = readFileSync(fileURLToPath(url), 'utf8');
    if (!/\b(import|export)\b/.test(text)) return false;
    const code = isTypeScript ? stripTypeScriptTypes(text) : text;
    return isRefusedAsScript(code);
  } catch {
    // It cannot be read or is no TypeScript: whoever loads it says so.
    return false;
  }
}

/** Compiled only, never run. */
function isRefusedAsScript(code: string): boolean {
  try {
    void new Script(`(function (exports, require, module, __filename, __dirname) {${code}\n})`);
    return false;
  } catch (error) {
    return error instanceof SyntaxError && ESM_ONLY.test(error.message);
  }
}
