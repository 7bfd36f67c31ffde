/**
 * `run_keys` holds the key of a run's secrets, itself sealed with a key that is in no file. Its row is gone with the
 * run's end, so that what was sealed with it can never be opened again, and the journal's chain stays as it is.
 */
export const CREATE_KEYS = `
create table run_keys (
  run integer primary key references runs (id),
  key text not null
) strict;
`;
