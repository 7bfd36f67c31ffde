/**
 * Pools are no part of any run: they gate attempts, and may change under a run that is under way.
 *
 * `pools` holds each pool as it was declared last, what a person set instead, and what its rate has used:
 * so a restart grants nothing extra. `pool_leases` holds what each owner has of it; `used` is their sum,
 * never a counter that a crash could leave wrong.
 */
export const CREATE_POOLS = `
create table pools (
  name text primary key not null,
  declared text not null,
  limits text,
  rate text
) strict, without rowid;

create table pool_leases (
  pool text not null,
  owner text not null,
  lease text not null,
  until integer not null,
  primary key (pool, owner)
) strict, without rowid;
`;
