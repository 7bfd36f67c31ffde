/**
 * `offers` has a row for each external task that is open: a fold of its events, written in their transaction, so that
 * whoever looks for work need not read journals. Beside it stands what is no fact: who claimed it (`worker`, `token`,
 * `until`), and the message in the inbox that answers it (`answered_by`). A row is gone when its task is settled.
 */
export const CREATE_OFFERS = `
create table offers (
  task_id text primary key not null,
  run integer not null references runs (id),
  key text not null,
  seq integer not null,
  task text not null,
  kind text not null,
  offered_at integer not null,
  due_at integer,
  lease_ms integer not null,
  failures integer not null,
  opens_at integer not null,
  worker text,
  token text,
  until integer,
  answered_by text,
  refusal text
) strict, without rowid;

create index offers_by_kind on offers (kind, offered_at, run, seq);
create index offers_by_run on offers (run, seq);
`;
