/**
 * `events` is append-only. It keeps its rowid: rows lie in the order of writing and only the index is
 * sorted by run, so that a commit over 100 runs writes 25 pages instead of 100 (5 µs an event instead
 * of 13), and reading one run is not slower. Its `key` takes no room: it is read out of the payload,
 * so that SQL can filter by it and it can never say something else. `chain`: see journal/chain.ts.
 *
 * `event_types` names the numbers of `events.type`, and the view `journal` shows events by names: both are for
 * people.
 *
 * `runs` holds each run's projection (the fold of its events), its fence (`epoch`, `last_seq`) and
 * its lease. `inbox.payload` is null once a message was consumed; its id stays, so that posting
 * again is a duplicate.
 */
export const CREATE_JOURNAL = `
create table runs (
  id integer primary key,
  run_id text not null unique,
  process text not null,
  module text,
  code_hash text,
  inputs_hash text not null,
  status text not null,
  started_at integer not null,
  updated_at integer not null,
  last_seq integer not null,
  tasks_scheduled integer not null,
  tasks_settled integer not null,
  asked text not null,
  error text,
  chain blob not null,
  min_reader integer not null,
  epoch integer not null,
  owner text,
  lease_until integer not null
) strict;

create index runs_by_status on runs (status, id);

create table events (
  run integer not null references runs (id),
  seq integer not null,
  at integer not null,
  type integer not null,
  version integer not null,
  payload text not null,
  chain blob not null,
  key text generated always as (payload ->> '$.key') virtual,
  primary key (run, seq)
) strict;

create table event_types (
  code integer primary key,
  name text not null
) strict;

create view journal as
select r.run_id, e.seq, e.at, t.name as type, e.key, e.payload
from events e join runs r on r.id = e.run join event_types t on t.code = e.type;

create table inbox (
  n integer primary key,
  run integer not null references runs (id),
  id text not null,
  posted_at integer not null,
  payload text,
  digest blob not null,
  unique (run, id)
) strict;

create index inbox_waiting on inbox (run, n) where payload is not null;
`;
