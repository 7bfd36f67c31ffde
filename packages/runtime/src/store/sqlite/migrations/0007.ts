/**
 * `run_state` holds what runs say of themselves (`ctx.setState`): the fold of their events, written with them. `value`
 * is canonical JSON, null where it was taken away. Runs are found by it over the index, which leaves out what is
 * too long to be looked for.
 */
export const CREATE_STATE = `
create table run_state (
  run integer not null references runs (id),
  name text not null,
  value text,
  primary key (run, name)
) strict, without rowid;

create index run_state_by_value on run_state (name, value, run) where length(value) <= 200;
`;
