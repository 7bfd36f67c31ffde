/** From a definition to drafts: each step with its place, its members, and the names that it can use. */
import { checkStep, ID, isFields, isId, kindOf } from './workflow-check.ts';
import type { IssuePath, WorkflowIssues } from './workflow-issue.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** Ids that are seen from one place: a template's members are seen only inside it. */
export interface Names {
  readonly own: Map<string, Draft>;
  readonly around: Names | undefined;
}

/** A step on its way to a plan. */
export interface Draft {
  /** Of a template: how messages name it. */
  readonly id: string;
  /** The group's own id, where it differs from the step's. */
  readonly alias: string | undefined;
  readonly path: IssuePath;
  readonly fields: Fields;
  /** Its place among all drafts. */
  readonly number: number;
  readonly names: Names;
  readonly isTemplate: boolean;
  readonly dependsOn: readonly string[];
  /** Inline members at first, then those named by their ids too; in the order of the list. */
  members: Draft[];
  /** Undefined: the run's own steps. */
  parent: Draft | undefined;
  /** Members by id, to be found once all ids are known. */
  readonly references: { readonly id: string; readonly at: number; readonly path: IssuePath }[];
}

/** Groups within groups; a definition that was read from a file may even hold itself. */
const DEEPEST = 100;

/** Reads steps, in the order in which they are declared. */
export class Drafts {
  readonly all: Draft[] = [];
  readonly issues: WorkflowIssues;
  readonly #taken: ReadonlySet<string>;

  /** @param taken ids that stand already for a step elsewhere */
  constructor(issues: WorkflowIssues, taken: ReadonlySet<string>) {
    this.issues = issues;
    this.#taken = taken;
  }

  readList(list: readonly unknown[], path: IssuePath, names: Names, parent?: Draft): Draft[] {
    return list.flatMap((entry, at) => {
      if (parent !== undefined && typeof entry === 'string') {
        parent.references.push({ id: entry, at, path: [...path, at] });
        return [];
      }
      return this.read(entry, [...path, at], names, parent);
    });
  }

  read(entry: unknown, path: IssuePath, names: Names, parent: Draft | undefined, template?: string): Draft[] {
    if (!isFields(entry)) {
      this.issues.add(
        path,
        parent === undefined ? 'must be a step: an object' : 'must be a step, or the id of one',
      );
      return [];
    }
    if (path.length > DEEPEST * 3) {
      this.issues.add(path, `groups lie within each other deeper than ${DEEPEST}`);
      return [];
    }
    checkStep(entry, path, this.issues, template !== undefined);
    const group =
      kindOf(entry) === 'parallelGroup' && isFields(entry['parallelGroup']) ? entry['parallelGroup'] : {};
    const alias = isId(group['id']) ? group['id'] : undefined;
    const id = template ?? this.#idOf(entry, alias, path);
    const draft: Draft = {
      id,
      alias: alias === id || template !== undefined ? undefined : alias,
      path,
      fields: entry,
      number: this.all.length,
      names,
      isTemplate: template !== undefined,
      dependsOn: this.#idList(entry['dependsOn'], [...path, 'dependsOn']),
      members: [],
      parent,
      references: [],
    };
    this.all.push(draft);
    if (template === undefined) {
      this.#claim(draft.id, draft, [...path, 'id']);
      if (draft.alias !== undefined) this.#claim(draft.alias, draft, [...path, 'parallelGroup', 'id']);
    }
    this.#readMembers(draft, group);
    return [draft];
  }

  #readMembers(draft: Draft, group: Fields): void {
    const place = [...draft.path, 'parallelGroup'];
    if (isFields(group['step'])) {
      const inside: Names = { own: new Map(), around: draft.names };
      draft.members = this.read(
        group['step'],
        [...place, 'step'],
        inside,
        draft,
        `${prefixOf(draft.fields)}_*`,
      );
    } else if (Array.isArray(group['steps'])) {
      draft.members = this.readList(group['steps'], [...place, 'steps'], draft.names, draft);
    }
  }

  #idOf(entry: Fields, alias: string | undefined, path: IssuePath): string {
    const given = entry['id'] ?? alias;
    if (isId(given)) return given;
    this.issues.add([...path, 'id'], given === undefined ? 'a step needs an id' : `'id' ${ID}`);
    return '';
  }

  #claim(id: string, draft: Draft, path: IssuePath): void {
    if (id === '') return;
    if (find(draft.names, id) !== undefined || this.#taken.has(id)) {
      this.issues.add(path, `the id '${id}' is used twice`);
      return;
    }
    draft.names.own.set(id, draft);
  }

  #idList(list: unknown, path: IssuePath): readonly string[] {
    if (list === undefined) return [];
    if (!Array.isArray(list)) {
      this.issues.add(path, `'dependsOn' must be a list of ids`);
      return [];
    }
    list.forEach((id, at) => {
      if (!isId(id)) this.issues.add([...path, at], 'must be the id of a step');
    });
    return [...new Set(list.filter(isId))];
  }
}

export function find(names: Names | undefined, id: string): Draft | undefined {
  for (let inside = names; inside !== undefined; inside = inside.around) {
    const draft = inside.own.get(id);
    if (draft !== undefined) return draft;
  }
  return undefined;
}

/** What the ids of repeated steps start with. */
export function prefixOf(step: Fields): string {
  const group = isFields(step['parallelGroup']) ? step['parallelGroup'] : {};
  const template = isFields(group['step']) ? group['step'] : {};
  return String(template['id'] ?? group['id'] ?? step['id'] ?? '');
}

/** The template made for one item: it and the steps inside it get ids of their own. */
export function instanceOf(template: Fields, id: string, suffix: string): Fields {
  const locals = new Set(membersOf(template).flatMap(localIds));
  return { ...renamed(template, suffix, locals), id };
}

function membersOf(step: Fields): Fields[] {
  const group = step['parallelGroup'];
  const steps = isFields(group) && group['step'] === undefined ? group['steps'] : undefined;
  return Array.isArray(steps) ? steps.filter(isFields) : [];
}

function localIds(step: Fields): string[] {
  const group = step['parallelGroup'];
  const alias = isFields(group) ? group['id'] : undefined;
  return [step['id'], alias].filter(isId).concat(membersOf(step).flatMap(localIds));
}

function renamed(step: Fields, suffix: string, locals: ReadonlySet<string>): Fields {
  const rename = (id: unknown): unknown => (isId(id) && locals.has(id) ? `${id}_${suffix}` : id);
  const { dependsOn, parallelGroup: group } = step;
  return {
    ...step,
    ...(step['id'] === undefined ? {} : { id: rename(step['id']) }),
    ...(Array.isArray(dependsOn) ? { dependsOn: dependsOn.map(rename) } : {}),
    ...(isFields(group) ? { parallelGroup: renamedGroup(group, suffix, locals, rename) } : {}),
  };
}

function renamedGroup(
  group: Fields,
  suffix: string,
  locals: ReadonlySet<string>,
  rename: (id: unknown) => unknown,
): Fields {
  const { id, step, steps } = group;
  return {
    ...group,
    ...(id === undefined ? {} : { id: locals.has(String(id)) ? rename(id) : `${String(id)}_${suffix}` }),
    ...(isFields(step) ? { step: { ...renamed(step, suffix, locals), ...repeatedId(step, suffix) } } : {}),
    ...(step === undefined && Array.isArray(steps)
      ? {
          steps: steps.map((each: unknown) =>
            isFields(each) ? renamed(each, suffix, locals) : rename(each),
          ),
        }
      : {}),
  };
}

/** A template within a template: its steps are told apart by both items. */
function repeatedId(template: Fields, suffix: string): Fields {
  return template['id'] === undefined ? {} : { id: `${String(template['id'])}_${suffix}` };
}
