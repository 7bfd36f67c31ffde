import type { Node } from './node.ts';

export interface Variable {
  readonly name: string;
  readonly defs: readonly { readonly type: string; readonly node: Node; readonly parent?: Node | null }[];
  readonly references: readonly { readonly identifier: Node }[];
  readonly scope: Scope;
}

export interface Scope {
  readonly type: string;
  readonly set: ReadonlyMap<string, Variable>;
  readonly upper: Scope | null;
}

interface Fixer {
  replaceText(node: Node, text: string): unknown;
  insertTextBefore(node: Node, text: string): unknown;
}

/** What the rules need of their linter, which ESLint and oxlint both give. */
export interface RuleContext {
  readonly sourceCode: {
    readonly ast: Node;
    getText(node: Node): string;
    getScope(node: Node): Scope;
  };
  report(problem: {
    readonly node: Node;
    readonly messageId: string;
    readonly data?: Record<string, string>;
    readonly fix?: ((fixer: Fixer) => unknown) | null;
  }): void;
}

export interface Rule {
  readonly meta: {
    readonly type: 'problem' | 'suggestion';
    readonly docs: { readonly description: string; readonly recommended: boolean };
    readonly fixable?: 'code';
    readonly schema: [];
    readonly messages: Record<string, string>;
  };
  create(context: RuleContext): Record<string, (node: Node) => void>;
}

/** Who an identifier stands for; undefined: a global that nothing in the file declares. */
export function variableAt(context: RuleContext, identifier: Node): Variable | undefined {
  const name = identifier['name'];
  return typeof name === 'string' ? variableBy(context, name, identifier) : undefined;
}

/** Who that name stands for at the place of a node. */
export function variableBy({ sourceCode }: RuleContext, name: string, node: Node): Variable | undefined {
  for (let scope: Scope | null = sourceCode.getScope(node); scope !== null; scope = scope.upper) {
    const variable = scope.set.get(name);
    // Globals that a configuration names are declared nowhere in the file.
    if (variable !== undefined) return variable.defs.length === 0 ? undefined : variable;
  }
  return undefined;
}
