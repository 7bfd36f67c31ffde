import type { JSX } from 'preact';

import { WaitCard } from './answer-form.tsx';
import type { About, Waiting } from './api.ts';
import { useNow, type Data } from './data.ts';
import { Problem } from './dialog.tsx';
import { LeftOut } from './left-out.tsx';
import { TaskCard } from './task-card.tsx';

export function WaitingView(props: { readonly found: Data<Waiting>; readonly about: About }): JSX.Element {
  const { data, error, reload } = props.found;
  const now = useNow(1000);
  const isNothing = data !== undefined && data.waits.length + data.tasks.length + data.leftOut.length === 0;
  return (
    <>
      <header class="top">
        <h1>Waiting</h1>
      </header>
      <Problem error={error} />
      <LeftOut runs={data?.leftOut ?? []} />
      {isNothing ? (
        <div class="empty">
          <h2>Nobody is waited for</h2>
          <p>Questions of ctx.breakpoint, messages of ctx.receive and external tasks show up here.</p>
        </div>
      ) : null}
      <div class="cards">
        {data?.waits.map((wait) => (
          <WaitCard
            key={`${wait.runId} ${wait.key}`}
            wait={wait}
            about={props.about}
            now={now}
            isAlone={false}
            onDone={reload}
          />
        ))}
        {data?.tasks.map((task) => (
          <TaskCard key={task.id} task={task} about={props.about} now={now} isAlone={false} onDone={reload} />
        ))}
      </div>
    </>
  );
}
