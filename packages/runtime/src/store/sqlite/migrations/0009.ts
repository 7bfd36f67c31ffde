/**
 * `pawl_forks` says of a run that it shares its events up to `seq` with an earlier one: they are kept once, under the
 * number of that one, or of the one that it is itself a fork of.
 */
export const CREATE_FORKS = `
create table pawl_forks (
  run integer primary key references runs (id),
  parent integer not null references runs (id),
  seq integer not null check (seq > 0),
  check (parent < run)
) strict;

create index pawl_forks_by_parent on pawl_forks (parent, seq);
`;
