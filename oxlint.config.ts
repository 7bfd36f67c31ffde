import { defineConfig } from 'oxlint';
import type { OxlintOverride } from 'oxlint';

import { KEPT_PACKAGES, ROOMS } from './tooling/tidy/rooms.ts';
import type { Room } from './tooling/tidy/rooms.ts';

const RUNTIME_ROOMS = ['journal', 'kernel', 'views', 'process', 'ports', 'engine', 'store', 'testing'];
const OURS = ['sdk', 'runtime'];

/**
 * The table of rooms as lint, so that an editor shows a wrong arrow while it is typed. It sees the specifier
 * only; `tests/tidy.test.ts` resolves paths and is the judge.
 */
function importRules(room: Room): OxlintOverride {
  const message = `${room.name} may not import this: see the rooms in ARCHITECTURE.md.`;
  const forbidden = (names: readonly string[]): string[] =>
    names.filter(
      (name) => name !== room.name && !includes(room.imports, name) && !room.typesFrom.includes(name),
    );
  const typesOnly = (name: string): boolean => room.typesFrom.includes(name);

  const isInRuntime = room.paths.some((path) => /^packages\/runtime\/src\/.+\/$/.test(path));
  const besides = isInRuntime ? RUNTIME_ROOMS : [];
  const builtins =
    room.builtins === 'every builtin' ? [] : ['node:*', ...room.builtins.map((name) => `!node:${name}`)];
  const patterns = [
    { group: forbidden(besides).map((name) => `../**/${name}/**`), message },
    { group: besides.filter(typesOnly).map((name) => `../**/${name}/**`), allowTypeImports: true, message },
    { group: forbidden(OURS).flatMap((name) => [`@pawl/${name}`, `@pawl/${name}/*`]), message },
    { group: OURS.filter(typesOnly).map((name) => `@pawl/${name}`), allowTypeImports: true, message },
    { group: builtins, message },
  ].filter(({ group }) => group.length > 0);

  const kept = KEPT_PACKAGES.map(({ name, within }) => ({
    name,
    message: `only within ${within.join(', ')}`,
  }));
  return {
    files: room.paths.map((path) => (path.endsWith('/') ? `${path}**` : path)),
    rules: { 'no-restricted-imports': ['error', { paths: kept, patterns }] },
  };
}

function includes(list: readonly string[] | string, name: string): boolean {
  return typeof list === 'string' || list.includes(name);
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise'],
  categories: { correctness: 'error', suspicious: 'error' },
  env: { es2024: true, node: true },
  // The last: each peer's link to the one folder that they share.
  ignorePatterns: ['**/dist/**', '**/coverage/**', '**/.pawl/**', 'packages/bench/peers/*/kit/**'],
  rules: {
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    eqeqeq: 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'no-throw-literal': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': 'error',
    // `fc.string()` reads better than a dozen names such as `string`.
    'import/no-named-as-default-member': 'off',
    'unicorn/no-new-array': 'off',
    // It takes every function with a parameter named as an error for a callback of old.
    'promise/no-promise-in-callback': 'off',
  },
  overrides: [
    ...ROOMS.map(importRules),
    ...KEPT_PACKAGES.map(({ within }) => ({
      files: within.map((folder) => `${folder}**`),
      rules: { 'no-restricted-imports': 'off' as const },
    })),
    {
      // A peer's library is imported where it is used, so that the supervisor does without it: what is made of it
      // stands there too.
      files: ['packages/bench/peers/**'],
      rules: { 'unicorn/consistent-function-scoping': 'off' },
    },
    {
      files: ['**/*.test.ts', '**/*.test-d.ts', '**/*.fixture.ts', 'tests/**', 'packages/*/tests/**'],
      rules: { 'no-restricted-imports': 'off', 'unicorn/consistent-function-scoping': 'off' },
    },
  ],
});
