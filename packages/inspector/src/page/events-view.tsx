import type { JSX } from 'preact';

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
          <details key={event.seq} class="event">
            <summary data-row>
              <span class="seq dim">{event.seq}</span>
              <time class="dim">{clock(event.at)}</time>
              <b>{event.type}</b>
              <bdi class="id">{event.key}</bdi>
            </summary>
            <ValueView title="Event" given={event.fields} whole={`${runPath(id)}/events/${event.seq}`} />
          </details>
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
