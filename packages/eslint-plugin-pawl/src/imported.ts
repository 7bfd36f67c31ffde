import { child, nameOf, type Node } from './node.ts';
import { variableAt, type RuleContext } from './rule.ts';

/** Where a name is imported from. */
export interface Imported {
  /** Without `node:`. */
  readonly source: string;
  /** What it is called there; 'default' and '*' stand for the whole. */
  readonly name: string;
}

export function importedAs(context: RuleContext, identifier: Node): Imported | undefined {
  const definition = variableAt(context, identifier)?.defs[0];
  if (definition?.type !== 'ImportBinding') return undefined;
  const declaration = definition.parent ?? definition.node.parent;
  const source =
    declaration === undefined || declaration === null ? undefined : nameOf(child(declaration, 'source'));
  if (source === undefined) return undefined;
  const specifier = definition.node;
  const name =
    specifier.type === 'ImportSpecifier'
      ? nameOf(child(specifier, 'imported'))
      : specifier.type === 'ImportNamespaceSpecifier'
        ? '*'
        : 'default';
  return name === undefined ? undefined : { source: source.replace(/^node:/, ''), name };
}

export function isOfPawl({ source }: Imported): boolean {
  return source === '@pawl/sdk';
}
