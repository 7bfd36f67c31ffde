/**
 * What workers look for, each found by an index.
 *
 * `waking` has a row for a run that nobody drives and that has not ended: `at` is when it goes on by itself, and null
 * while somebody drives it (the row stays, for `setbacks`). `starts` are runs to be; `held` is 1 while one waits for
 * the end of a run that has its key. `start_keys` are the keys that runs under way have, gone with the run's end.
 */
export const CREATE_WORK = `
create table waking (
  run integer primary key references runs (id),
  process text not null,
  at integer,
  setbacks integer not null,
  problem text
) strict;

create index waking_due on waking (at) where at is not null;
create index waking_due_of_process on waking (process, at) where at is not null;
create index waking_set_back on waking (at) where problem is not null;

insert into waking (run, process, at, setbacks)
  select id, process, 0, 0 from runs where status = 'running' and owner is null;

create index runs_owned on runs (owner) where owner is not null;

create table starts (
  n integer primary key,
  run_id text not null unique,
  process text not null,
  module text,
  code_hash text,
  inputs text not null,
  inputs_hash text not null,
  digest blob not null,
  queued_at integer not null,
  at integer not null,
  priority integer not null,
  held integer not null,
  limit_key text,
  limit_count integer,
  singleton text unique,
  debounce text unique,
  latest_at integer,
  schedule text,
  setbacks integer not null,
  problem text
) strict;

create index starts_ready on starts (held, priority, at);
create index starts_ready_of_process on starts (held, process, priority, at);
create index starts_held on starts (limit_key, priority desc, at) where held = 1;

create table start_keys (
  run integer not null references runs (id),
  kind text not null,
  key text not null,
  primary key (run, kind)
) strict, without rowid;

create index start_keys_by_key on start_keys (kind, key);

create table schedules (
  name text primary key not null,
  cron text not null,
  zone text not null,
  process text not null,
  module text,
  code_hash text,
  inputs text not null,
  inputs_hash text not null,
  digest blob not null,
  missed text not null,
  overlap text not null,
  paused integer not null,
  next_at integer not null,
  last_at integer
) strict;

create index schedules_due on schedules (paused, next_at);
`;
