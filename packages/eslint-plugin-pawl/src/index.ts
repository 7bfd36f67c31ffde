import type { Rule } from './rule.ts';
import { noCtxInTask } from './rules/no-ctx-in-task.ts';
import { noEagerParallel } from './rules/no-eager-parallel.ts';
import { noFloatingCtx } from './rules/no-floating-ctx.ts';
import { noImpureProcess } from './rules/no-impure-process.ts';
import { requireKeyInLoop } from './rules/require-key-in-loop.ts';

interface Config {
  readonly name: string;
  readonly plugins: Record<string, Plugin>;
  readonly rules: Record<string, 'error' | 'warn'>;
}

export interface Plugin {
  readonly meta: { readonly name: string; readonly version: string };
  readonly rules: Record<string, Rule>;
  /** `recommended`: all rules, for a flat config of ESLint. */
  readonly configs: Record<string, Config>;
}

const rules: Record<string, Rule> = {
  'no-ctx-in-task': noCtxInTask,
  'no-eager-parallel': noEagerParallel,
  'no-floating-ctx': noFloatingCtx,
  'no-impure-process': noImpureProcess,
  'require-key-in-loop': requireKeyInLoop,
};

const plugin: Plugin = { meta: { name: 'eslint-plugin-pawl', version: '0.3.0' }, rules, configs: {} };
plugin.configs['recommended'] = {
  name: 'pawl/recommended',
  plugins: { pawl: plugin },
  rules: Object.fromEntries(
    Object.entries(rules).map(([name, { meta }]) => [
      `pawl/${name}`,
      meta.type === 'problem' ? ('error' as const) : ('warn' as const),
    ]),
  ),
};

export default plugin;
