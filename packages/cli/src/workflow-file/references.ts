/**
 * Steps that expressions look at. One that is not there would fail only when it is reached; one that the
 * step does not wait for would be there or not as time has it.
 */
import type { PlacePath, TemplateProblem } from './template.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Step {
  readonly id: string;
  readonly dependsOn: readonly string[];
  readonly members: Step[];
  /** Ids of members that are declared elsewhere. */
  readonly references: readonly string[];
  parent: Step | undefined;
}

const DEEPEST = 400;

export interface Named {
  readonly path: PlacePath;
  readonly step: string;
}

export function badReferences(steps: unknown, named: readonly Named[]): readonly TemplateProblem[] {
  if (named.length === 0) return [];
  const all = new Steps();
  all.read(steps, ['steps'], undefined, false);
  all.link();
  return named.flatMap(({ path, step }) => {
    const message = all.problemOf(path, step);
    return message === undefined ? [] : [{ path, message }];
  });
}

class Steps {
  /** By id and alias. */
  readonly #byId = new Map<string, Step>();
  readonly #byPath = new Map<string, Step>();
  /** What the ids of repeated steps start with. */
  readonly #prefixes: string[] = [];

  read(list: unknown, path: PlacePath, parent: Step | undefined, isRepeated: boolean): void {
    // What lies too deep, an anchor that holds itself for one, is told elsewhere.
    if (!Array.isArray(list) || path.length > DEEPEST) return;
    list.forEach((entry, at) => this.#readOne(entry, [...path, at], parent, isRepeated));
  }

  #readOne(entry: unknown, path: PlacePath, parent: Step | undefined, isRepeated: boolean): void {
    if (!isFields(entry) || path.length > DEEPEST) return;
    const group = isFields(entry['parallelGroup']) ? entry['parallelGroup'] : {};
    const ids = [entry['id'], group['id']].filter(isText);
    const { dependsOn } = entry;
    const step: Step = {
      id: ids[0] ?? '',
      dependsOn: Array.isArray(dependsOn) ? dependsOn.filter(isText) : [],
      members: [],
      references:
        Array.isArray(group['steps']) && group['step'] === undefined ? group['steps'].filter(isText) : [],
      parent,
    };
    parent?.members.push(step);
    this.#byPath.set(path.join('/'), step);
    for (const id of ids) {
      if (isRepeated) this.#prefixes.push(`${id}_`);
      else this.#byId.set(id, step);
    }
    const inside = [...path, 'parallelGroup'];
    const template = group['step'];
    if (template === undefined) {
      this.read(group['steps'], [...inside, 'steps'], step, isRepeated);
      return;
    }
    this.#readOne(template, [...inside, 'step'], step, true);
    if (isFields(template) && template['id'] === undefined) this.#prefixes.push(`${ids.at(-1) ?? ''}_`);
  }

  /** Members that are declared elsewhere belong to their groups. */
  link(): void {
    for (const group of this.#byPath.values()) {
      for (const member of group.references.flatMap((id) => this.#byId.get(id) ?? [])) {
        member.parent = group;
        group.members.push(member);
      }
    }
  }

  problemOf(path: PlacePath, name: string): string | undefined {
    if (this.#prefixes.some((prefix) => name.startsWith(prefix))) return undefined;
    const step = this.#byId.get(name);
    if (step === undefined) return `the expression looks at step '${name}', and there is none`;
    const owner = this.#ownerOf(path);
    if (owner === undefined || this.#endedBefore(owner).has(step)) return undefined;
    return `the expression looks at step '${name}', which '${owner.id}' does not wait for: add it to dependsOn`;
  }

  /** The step that a part of it belongs to; undefined: the workflow. */
  #ownerOf(path: PlacePath): Step | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const step = this.#byPath.get(path.slice(0, length).join('/'));
      if (step !== undefined) return step;
    }
    return undefined;
  }

  /** All that has ended when a step starts. */
  #endedBefore(step: Step): ReadonlySet<Step> {
    const ended = new Set<Step>();
    const asked = new Set<Step>();
    const waiting = [step];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (asked.has(next)) continue;
      asked.add(next);
      // A member starts after its group has.
      if (next.parent !== undefined) waiting.push(next.parent);
      for (const before of next.dependsOn.flatMap((id) => this.#byId.get(id) ?? [])) {
        const whole = [before];
        for (let part = whole.pop(); part !== undefined; part = whole.pop()) {
          if (ended.has(part)) continue;
          ended.add(part);
          waiting.push(part);
          whole.push(...part.members);
        }
      }
    }
    return ended;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
