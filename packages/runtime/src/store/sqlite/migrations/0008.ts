/**
 * `start_inbox` holds what was sent to starts that wait (`starts`), until they are runs: then it is in `inbox`, in the
 * order in which it came. `starts.secret_key` is what `run_keys` is for a run. Both go with their start.
 */
export const CREATE_START_INBOX = `
create table start_inbox (
  n integer primary key,
  start integer not null references starts (n) on delete cascade,
  id text not null,
  posted_at integer not null,
  payload text not null,
  digest blob not null,
  unique (start, id)
) strict;

alter table starts add column secret_key text;
`;
