/** What a run logged. The journal does not keep it: the code of the process says it again, where the code is. */
import type { JSX } from 'preact';

import { Command } from './copy-button.tsx';

export function LogsView({ id }: { readonly id: string }): JSX.Element {
  return (
    <div class="empty logs">
      <h2>The code says it again</h2>
      <p>
        What a process logs (<code>ctx.log</code>) follows from what is recorded: its code is run over that,
        without any effect. This page loads no code.
      </p>
      <Command command={`pawl logs ${id}`} why="in a terminal, in the folder of the code" />
    </div>
  );
}
