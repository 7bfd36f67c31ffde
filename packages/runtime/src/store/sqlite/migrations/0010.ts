/**
 * `pawl_data_keys` has what values are sealed with, each wrapped with the master key, which is in no file; the newest
 * seals. `master` is a fingerprint of that key. A journal without a row in it is not encrypted, and nothing in it is sealed.
 * `run_state.sought` is what a sealed value is found by: a keyed digest of name and value.
 */
export const CREATE_DATA_KEYS = `
create table pawl_data_keys (
  id integer primary key,
  master text not null,
  wrapped text not null,
  made_at integer not null,
  wrapped_at integer not null
) strict;

alter table run_state add column sought text;

create index pawl_state_by_sought on run_state (sought, run) where sought is not null;
`;
