/**
 * What runs know of each other. `circuits` has a row for each circuit that an attempt told anything: `opened_at` is
 * null while it is closed, `trials` are the calls that may try it while it is open. `kept_results` are results that
 * later runs may use until `at + ttl_ms`; `place` is the digest of task, version and input. Both can be emptied at
 * any time without harm to a run.
 */
export const CREATE_SHARED = `
create table circuits (
  name text primary key,
  generation integer not null,
  failures integer not null,
  opened_at integer,
  trials text not null,
  updated_at integer not null
) strict, without rowid;

create table kept_results (
  place blob primary key,
  task text not null,
  at integer not null,
  ttl_ms integer not null,
  output text not null,
  size integer not null,
  digest blob not null
) strict;

create index kept_results_by_age on kept_results (at, place, size);
`;
