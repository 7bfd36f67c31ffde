/**
 * `pawl_logs` has the newest lines of what runs logged, beside their journals: `n` counts all that a run logged, so that a
 * gap is what is left out. `line` is what can be read of it, and nothing else is.
 */
export const CREATE_LOGS = `
create table pawl_logs (
  run integer not null references runs (id),
  n integer not null check (n > 0),
  at integer not null,
  seq integer not null,
  level integer not null,
  key text,
  task text,
  attempt integer,
  line text not null,
  primary key (run, n)
) strict, without rowid;
`;
