import type { Sql } from 'postgres'

// A partition for each month (UTC), so that a month is dropped at once when its time is over and no index grows for
// ever. What falls in no month's partition, by a clock that is wrong, is kept in the default one. No unique index:
// `id` comes from a sequence, and each index costs every use of a token.
export async function up(sql: Sql) {
  await sql`alter table audit_log rename to audit_log_flat`
  await sql`alter table audit_log_flat alter id drop identity`
  await sql`drop index audit_log_by_token`
  await sql`create sequence audit_log_id_seq`
  await sql`
    create table audit_log (
      id bigint not null default nextval('audit_log_id_seq'),
      token_id uuid not null,
      at timestamptz(3) not null,
      ip inet,
      method text not null,
      endpoint text not null,
      status_code smallint not null,
      authorized boolean not null,
      reason text
    ) partition by range (at)`
  await sql`alter sequence audit_log_id_seq owned by audit_log.id`
  // Ascending, though it is read backwards: rows are then added where PostgreSQL fills pages to the brim.
  await sql`create index audit_log_by_token on audit_log (token_id, authorized, at, id)`
  await sql`create index audit_log_by_time on audit_log using brin (at)`
  await sql`create table audit_log_default partition of audit_log default`

  const [current] = await sql<{ schema: string }[]>`
    select quote_ident(current_schema()) as schema`
  const settings = `set search_path = ${current?.schema}, pg_temp`
  // Attached, and not made `partition of`, for that would wait for every insert under way.
  // Only what is in the default partition has to wait, while the rows of the month move out of it. The log is locked
  // before it, as by whoever drops a partition.
  await sql.unsafe(`
    create function audit_log_add_month(month date) returns void language plpgsql ${settings} as $$
    declare
      partition text := to_char(month, '"audit_log_"YYYY_MM');
      first timestamptz := month::timestamp at time zone 'UTC';
      beyond timestamptz := (month + interval '1 month') at time zone 'UTC';
    begin
      if exists (select from pg_inherits join pg_class on oid = inhrelid
        where inhparent = 'audit_log'::regclass and relname = partition) then return; end if;
      lock table only audit_log in share update exclusive mode;
      lock table audit_log_default in access exclusive mode;
      execute format('create table %I (like audit_log including defaults)', partition);
      execute format('with moved as (delete from audit_log_default where at >= $1 and at < $2 returning *)
        insert into %I select * from moved', partition) using first, beyond;
      execute format('alter table audit_log attach partition %I for values from (%L) to (%L)',
        partition, first, beyond);
    end $$`)
  // The service may call this one without owning the log. Instances take turns. Should somebody read the default
  // partition for long, as a backup does, it gives up before those who read the log queue up behind it.
  await sql.unsafe(`
    create function audit_log_make_partitions() returns void language plpgsql security definer
      ${settings} set lock_timeout = '2s' as $$
    declare
      present date := date_trunc('month', now() at time zone 'UTC');
    begin
      perform pg_advisory_xact_lock(7228053312);
      perform audit_log_add_month(present);
      perform audit_log_add_month((present + interval '1 month')::date);
    end $$`)
  await sql`revoke all on function audit_log_add_month, audit_log_make_partitions from public`

  await sql`
    select audit_log_add_month(month) from (
      select distinct date_trunc('month', at at time zone 'UTC')::date as month from audit_log_flat
    ) as months`
  await sql`select audit_log_make_partitions()`
  await sql`insert into audit_log select * from audit_log_flat order by id`
  await sql`
    select setval('audit_log_id_seq', max(id)) from audit_log_flat having max(id) is not null`
  await sql`drop table audit_log_flat`
}

export async function down(sql: Sql) {
  await sql`alter table audit_log rename to audit_log_parted`
  await sql`alter table audit_log_parted alter id drop default`
  await sql`drop sequence audit_log_id_seq`
  await sql`drop index audit_log_by_token`
  await sql`
    create table audit_log (
      id bigint generated always as identity primary key,
      token_id uuid not null,
      at timestamptz(3) not null,
      ip inet,
      method text not null,
      endpoint text not null,
      status_code smallint not null,
      authorized boolean not null,
      reason text
    )`
  await sql`create index audit_log_by_token on audit_log (token_id, id desc)`
  await sql`insert into audit_log overriding system value select * from audit_log_parted order by id`
  await sql`
    select setval('audit_log_id_seq', max(id)) from audit_log having max(id) is not null`
  await sql`drop table audit_log_parted`
  await sql`drop function audit_log_make_partitions, audit_log_add_month`
}
