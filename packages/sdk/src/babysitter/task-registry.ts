export interface RegisteredTask {
  readonly id: string;
  readonly kind?: string | undefined;
  readonly labels: readonly string[];
  readonly description?: string | undefined;
  readonly source?: string | undefined;
}

/**
 * Which tasks were defined in this program. Of tasks that are under way it knows nothing: those are in the journal.
 *
 * A program may load many processes, and two of them may define a task of the same id, so the last one counts and
 * nothing is refused.
 */
export class TaskRegistry {
  readonly definitions: Map<string, RegisteredTask> = new Map();

  registerDefinition(task: RegisteredTask): RegisteredTask {
    this.definitions.set(task.id, task);
    return task;
  }

  hasTask(id: string): boolean {
    return this.definitions.has(id);
  }

  /** By id. */
  listDefinitions(): RegisteredTask[] {
    return [...this.definitions.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  clear(): void {
    this.definitions.clear();
  }
}

export const globalTaskRegistry: TaskRegistry = new TaskRegistry();
