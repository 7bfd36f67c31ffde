/** Where in a definition: names of properties and places in lists. */
export type IssuePath = readonly (string | number)[];

/** One problem of a workflow's definition. */
export interface WorkflowIssue {
  readonly path: IssuePath;
  readonly message: string;
}

/** More than these are not told. */
const MOST = 100;

/** Gathers the problems of one definition, so that all are told at once. */
export class WorkflowIssues {
  readonly list: WorkflowIssue[] = [];
  #left = 0;

  add(path: IssuePath, message: string): void {
    if (this.list.length < MOST) this.list.push({ path, message });
    else this.#left += 1;
  }

  /** The message of an error that `check` throws becomes a problem of the place. */
  try(path: IssuePath, check: () => void): void {
    try {
      check();
    } catch (error) {
      this.add(path, error instanceof Error ? error.message : String(error));
    }
  }

  /** In full, with a last entry for those over the limit. */
  all(): readonly WorkflowIssue[] {
    if (this.#left === 0) return this.list;
    return [...this.list, { path: [], message: `${this.#left} more problems are not listed.` }];
  }
}

/** `$.steps[2].dependsOn[0]` */
export function pathText(path: IssuePath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return /^[A-Za-z_$][\w$]*$/.test(part) ? `${text}.${part}` : `${text}[${JSON.stringify(part)}]`;
  }, '$');
}
