/** What of a syntax tree (ESTree, with or without TypeScript) the rules look at. */
export interface Node {
  readonly type: string;
  readonly parent?: Node | null;
  readonly range?: readonly [number, number];
  readonly [field: string]: unknown;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string';
}

export function child(node: Node, field: string): Node | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

export function children(node: Node, field: string): readonly Node[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Of an identifier, or of a string that is used as a name. */
export function nameOf(node: Node | undefined): string | undefined {
  const name =
    node?.type === 'Identifier' ? node['name'] : node?.type === 'Literal' ? node['value'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** `a.b`, `a?.b` and `a['b']` have a property 'b'. */
export function propertyOf(node: Node): string | undefined {
  const property = child(node, 'property');
  if (node.type !== 'MemberExpression' || property === undefined) return undefined;
  return property.type === 'Identifier' && node['computed'] === true ? undefined : nameOf(property);
}

const ON_PROMISES: ReadonlySet<string> = new Set(['catch', 'finally', 'then']);

/** `promise.then` and its kind, which make another promise of it. */
export function isOnPromise(member: Node): boolean {
  return ON_PROMISES.has(propertyOf(member) ?? '');
}

export function isFunction(node: Node): boolean {
  return ['ArrowFunctionExpression', 'FunctionExpression', 'FunctionDeclaration'].includes(node.type);
}

/** Without what only types, or makes a chain of `?.`. */
export function bare(node: Node): Node {
  const inner = [
    'ChainExpression',
    'TSAsExpression',
    'TSNonNullExpression',
    'TSSatisfiesExpression',
  ].includes(node.type)
    ? child(node, 'expression')
    : undefined;
  return inner === undefined ? node : bare(inner);
}
