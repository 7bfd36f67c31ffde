/**
 * The graph of a workflow as text for Mermaid and Graphviz. Steps are numbered and their names are
 * labels, so that no name can become syntax of either.
 */
import type { PlannedGroup, PlannedStep, WorkflowPlan } from '@pawl/sdk';

import { clean } from './clean.ts';

export type GraphFormat = 'mermaid' | 'dot';

export function renderGraph(plan: WorkflowPlan, format: GraphFormat): string[] {
  const graph = new Graph(plan);
  return format === 'mermaid' ? mermaid(graph) : dot(graph);
}

/** A step of the drawing. */
interface Drawn {
  readonly name: string;
  readonly step: PlannedStep;
  readonly label: readonly string[];
  readonly inside: readonly Drawn[];
}

interface Edge {
  readonly from: Drawn;
  readonly to: Drawn;
  readonly label: string | undefined;
}

class Graph {
  readonly title: string;
  readonly steps: readonly Drawn[];
  readonly edges: readonly Edge[];
  readonly #byId = new Map<string, Drawn>();
  /** In the order in which they are declared. */
  readonly #all: Drawn[] = [];

  constructor(plan: WorkflowPlan) {
    this.title = plan.name;
    this.steps = [...plan.root.members, ...plan.onDemand.values()].map((step) => this.#draw(step));
    this.edges = this.#all.flatMap((to) =>
      to.step.dependsOn.flatMap((id) => {
        const from = this.#byId.get(id);
        return from === undefined ? [] : [{ from, to, label: edgeLabel(to.step) }];
      }),
    );
  }

  #draw(step: PlannedStep): Drawn {
    const { group } = step;
    const sample = group?.repeat?.sample;
    const inside: Drawn[] = [];
    const drawn: Drawn = { name: `s${this.#all.length}`, step, label: labelOf(step, group), inside };
    this.#all.push(drawn);
    this.#byId.set(step.id, drawn);
    for (const member of group?.members ?? []) inside.push(this.#draw(member));
    if (sample !== undefined) inside.push(this.#draw(sample));
    return drawn;
  }
}

function edgeLabel({ runIf }: PlannedStep): string | undefined {
  return runIf === 'settled' ? undefined : runIf;
}

function labelOf(step: PlannedStep, group: PlannedGroup | undefined): readonly string[] {
  const { id, task, isConditional } = step;
  const notes = [
    ...(group === undefined ? [] : [group.strategy]),
    ...(group === undefined || group.maxConcurrent === Infinity ? [] : [`at most ${group.maxConcurrent}`]),
    ...(group?.repeat === undefined ? [] : [group.repeat.template === undefined ? 'picks' : 'for each item']),
    ...(isConditional ? ['if'] : []),
    ...('onDemand' in step.definition && step.definition.onDemand === true ? ['on demand'] : []),
  ];
  return [
    id,
    ...(task === undefined || task.name === id ? [] : [task.name]),
    ...(notes.length === 0 ? [] : [`(${notes.join(', ')})`]),
  ];
}

function mermaidText(lines: readonly string[]): string {
  return `"${lines.map(mermaidLine).join('<br/>')}"`;
}

/** Entities of Mermaid for whatever its labels, or the Markdown in them, could take for more than text. */
function mermaidLine(text: string): string {
  return clean(text)
    .replace(/[^\p{L}\p{N} _.,:;()/+-]/gu, entity)
    .replace(/^[+-]/, entity)
    .replace(/^(\d+)\./, `$1${entity('.')}`);
}

function entity(char: string): string {
  return `#${char.codePointAt(0) ?? 0};`;
}

function mermaid(graph: Graph): string[] {
  const draw = ({ name, label, step, inside }: Drawn, indent: string): string[] => {
    if (step.group === undefined) return [`${indent}${name}[${mermaidText(label)}]`];
    const members = inside.flatMap((member) => draw(member, `${indent}  `));
    const body = members.length > 0 ? members : [`${indent}  ${name}_empty[" "]`];
    return [`${indent}subgraph ${name}[${mermaidText(label)}]`, ...body, `${indent}end`];
  };
  return [
    'flowchart TD',
    `  %% ${clean(graph.title).replaceAll(/[{}%]/g, ' ')}`,
    ...graph.steps.flatMap((step) => draw(step, '  ')),
    ...graph.edges.map(({ from, to, label }) =>
      label === undefined ? `  ${from.name} --> ${to.name}` : `  ${from.name} -->|${label}| ${to.name}`,
    ),
  ];
}

function dotText(lines: readonly string[]): string {
  return `"${lines.map((line) => clean(line).replace(/["\\]/g, (char) => `\\${char}`)).join('\\n')}"`;
}

function dot(graph: Graph): string[] {
  const draw = ({ name, label, step, inside }: Drawn, indent: string): string[] => {
    if (step.group === undefined) return [`${indent}${name} [label=${dotText(label)}];`];
    const members = inside.flatMap((member) => draw(member, `${indent}  `));
    const body = members.length > 0 ? members : [`${indent}  ${name} [label="", shape=point, style=invis];`];
    return [
      `${indent}subgraph cluster_${name} {`,
      `${indent}  label=${dotText(label)};`,
      ...body,
      `${indent}}`,
    ];
  };
  return [
    `digraph ${dotText([graph.title])} {`,
    '  compound=true;',
    '  node [shape=box, style=rounded];',
    ...graph.steps.flatMap((step) => draw(step, '  ')),
    ...graph.edges.map((edge) => `  ${dotEdge(edge)}`),
    '}',
  ];
}

/** An arrow to a cluster goes to a node inside, and is cut at the border. */
function dotEdge({ from, to, label }: Edge): string {
  const attributes = [
    ...(from.step.group === undefined ? [] : [`ltail=cluster_${from.name}`]),
    ...(to.step.group === undefined ? [] : [`lhead=cluster_${to.name}`]),
    ...(label === undefined ? [] : [`label=${dotText([label])}`]),
  ];
  const list = attributes.length === 0 ? '' : ` [${attributes.join(', ')}]`;
  return `${leafOf(from).name} -> ${leafOf(to).name}${list};`;
}

function leafOf(drawn: Drawn): Drawn {
  const [first] = drawn.inside;
  return first === undefined ? drawn : leafOf(first);
}
