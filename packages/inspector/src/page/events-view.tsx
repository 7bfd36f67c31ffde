import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

import type { EventLine } from './api.ts';
import { useData } from './data.ts';
import { Problem } from './dialog.tsx';
import { clock, count } from './format.ts';
import { Link } from './link.tsx';
import { runPath, withQuery } from './route.ts';
import { ValueView } from './value-view.tsx';

const PAGE = 100;

export function EventsView({ id, route }: { readonly id: string; readonly route: URL }): JSX.Element {
  const after = Number(route.searchParams.get('after') ?? 0) || 0;
  const path = `${runPath(id)}/events?after=${after}&limit=${PAGE}`;
  const { data, error } = useData<{ events: readonly EventLine[]; last: number }>(path);
  const last = data?.events.at(-1)?.seq ?? after;
  return (
    <>
      <Problem error={error} />
      <div class="events">
        {data?.events.map((event) => (
          <Event key={event.seq} id={id} event={event} />
        ))}
      </div>
      <div class="pages">
        {after > 0 ? (
          <Link
            class="button"
            to={withQuery(route, { after: after <= PAGE ? undefined : String(after - PAGE) })}
          >
            Earlier
          </Link>
        ) : null}
        {data !== undefined && last < data.last ? (
          <Link class="button" to={withQuery(route, { after: String(last) })}>
            Later
          </Link>
        ) : null}
        {data !== undefined && data.last > PAGE ? (
          <span class="dim">
            {count(Math.min(after + 1, last))} to {count(last)} of {count(data.last)}
          </span>
        ) : null}
      </div>
    </>
  );
}

/** What is in it is drawn once somebody opens it: a hundred values are dear, and one is looked at. */
function Event({ id, event }: { readonly id: string; readonly event: EventLine }): JSX.Element {
  const [isOpened, setOpened] = useState(false);
  const { seq, at, type, key, fields } = event;
  return (
    <details class="event" onToggle={({ currentTarget }) => setOpened((was) => was || currentTarget.open)}>
      <summary data-row>
        <span class="seq dim">{seq}</span>
        <time class="dim">{clock(at)}</time>
        <b>{type}</b>
        <bdi class="id">{key}</bdi>
      </summary>
      {isOpened ? <ValueView title="Event" given={fields} whole={`${runPath(id)}/events/${seq}`} /> : null}
    </details>
  );
}
