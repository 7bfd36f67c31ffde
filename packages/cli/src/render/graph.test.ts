import { defineTask, defineWorkflow, type WorkflowStep } from '@pawl/sdk';
import { describe, expect, it } from 'vitest';

import { renderGraph } from './graph.ts';

const run = (): number => 1;
const task = defineTask({ name: 'load', run });
const planOf = (steps: readonly WorkflowStep[], name = 'flow') => defineWorkflow({ name, steps }).plan;

const PLAN = planOf([
  { id: 'a', task },
  { id: 'b', dependsOn: ['a'], when: () => true, run },
  {
    id: 'g',
    dependsOn: ['a'],
    parallelGroup: {
      waitStrategy: 'any',
      maxConcurrent: 2,
      steps: [
        { id: 'm', run },
        'b',
        { id: 'inner', parallelGroup: { steps: [{ id: 'n', dependsOn: ['m'], run }] } },
      ],
    },
  },
  { id: 'each', dependsOn: ['g'], parallelGroup: { steps: ['x', 'y'], step: { task } } },
  { id: 'empty', parallelGroup: { steps: [] } },
  { id: 'end', dependsOn: ['each', 'empty'], runIf: 'always', run },
  { id: 'spare', onDemand: true, run },
]);

it('mermaid', () => {
  expect(renderGraph(PLAN, 'mermaid')).toEqual([
    'flowchart TD',
    '  %% flow',
    '  s0["a<br/>load"]',
    '  subgraph s1["g<br/>(any, at most 2)"]',
    '    s2["m"]',
    '    s3["b<br/>(if)"]',
    '    subgraph s4["inner<br/>(all)"]',
    '      s5["n"]',
    '    end',
    '  end',
    '  subgraph s6["each<br/>(all, for each item)"]',
    '    s7["each_#42;<br/>load"]',
    '  end',
    '  subgraph s8["empty<br/>(all)"]',
    '    s8_empty[" "]',
    '  end',
    '  s9["end"]',
    '  s10["spare<br/>(on demand)"]',
    '  s0 --> s1',
    '  s0 --> s3',
    '  s2 --> s5',
    '  s1 --> s6',
    '  s6 -->|always| s9',
    '  s8 -->|always| s9',
  ]);
});

it('dot', () => {
  expect(renderGraph(PLAN, 'dot')).toEqual([
    'digraph "flow" {',
    '  compound=true;',
    '  node [shape=box, style=rounded];',
    '  s0 [label="a\\nload"];',
    '  subgraph cluster_s1 {',
    '    label="g\\n(any, at most 2)";',
    '    s2 [label="m"];',
    '    s3 [label="b\\n(if)"];',
    '    subgraph cluster_s4 {',
    '      label="inner\\n(all)";',
    '      s5 [label="n"];',
    '    }',
    '  }',
    '  subgraph cluster_s6 {',
    '    label="each\\n(all, for each item)";',
    '    s7 [label="each_*\\nload"];',
    '  }',
    '  subgraph cluster_s8 {',
    '    label="empty\\n(all)";',
    '    s8 [label="", shape=point, style=invis];',
    '  }',
    '  s9 [label="end"];',
    '  s10 [label="spare\\n(on demand)"];',
    '  s0 -> s2 [lhead=cluster_s1];',
    '  s0 -> s3;',
    '  s2 -> s5;',
    '  s2 -> s7 [ltail=cluster_s1, lhead=cluster_s6];',
    '  s7 -> s9 [ltail=cluster_s6, label="always"];',
    '  s8 -> s9 [ltail=cluster_s8, label="always"];',
    '}',
  ]);
});

describe('names are never syntax', () => {
  const names = [
    '"] --> evil["',
    'a"; rankdir=LR; "b',
    '\\"; evil; "',
    '<script>alert(1)</script>',
    '`**bold**`',
    '%%{init: {"securityLevel": "loose"}}%%',
    'line\nbreak',
    '\u001b[2J',
    '\u202eturned',
    'click s0 href "javascript:alert(1)"',
    '1. list',
    '- list',
    '#quot;',
    'end',
    '__proto__',
  ];

  it.each(names)('%j', (name) => {
    const plan = planOf(
      [
        { id: name, run },
        { id: 'b', dependsOn: [name], run },
      ],
      name,
    );
    const mermaid = renderGraph(plan, 'mermaid');
    expect(mermaid).toHaveLength(5);
    expect(mermaid[1]).toMatch(/^ {2}%% [^{}%]*$/u);
    expect(mermaid[2]).toMatch(/^ {2}s0\["[\p{L}\p{N} _.,:;()/+#-]*"\]$/u);
    expect(mermaid[2]).not.toMatch(/\["(\d+\.|[-+]) /);
    expect(mermaid.slice(3)).toEqual(['  s1["b"]', '  s0 --> s1']);
    const dot = renderGraph(plan, 'dot');
    expect(dot).toHaveLength(7);
    // A string of DOT ends at the first quote without a backslash before it.
    expect(dot[3]).toMatch(/^ {2}s0 \[label="(?:[^"\\]|\\.)*"\];$/u);
    expect(dot[0]).toMatch(/^digraph "(?:[^"\\]|\\.)*" \{$/u);
    for (const line of [...mermaid, ...dot]) expect(line).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
  });
});
