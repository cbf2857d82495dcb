import type { Sql } from 'postgres'

// Months of the log that are past their time go as a whole, after each was exported to a file (docs/operations.md).
// Both functions are the owner's, for the service may not drop anything; and they drop nothing younger than 30 days,
// whatever they are asked, so that who has got hold of the service's connection can't erase what they did.
export async function up(sql: Sql) {
  await sql`
    create table audit_exports (
      file text primary key,
      -- No year before Christ, which to_char() prints like one of ours.
      month date not null check (month >= 'epoch' and extract(day from month) = 1),
      started_at timestamptz(3) not null default now(),
      rows bigint,
      size_bytes bigint,
      sha256 text,
      dropped_at timestamptz(3)
    )`
  await sql`
    create unique index audit_exports_under_way on audit_exports (month) where dropped_at is null`

  const [current] = await sql<{ schema: string }[]>`
    select quote_ident(current_schema()) as schema`
  const settings = `set search_path = ${current?.schema}, pg_temp`
  await sql.unsafe(`
    create function audit_log_kept_since(days integer) returns timestamptz language plpgsql ${settings} as $$
    begin
      if days is null or days < 30 then
        raise exception 'the audit log is kept for at least 30 days' using errcode = 'invalid_parameter_value';
      end if;
      return now() - days * interval '24 hours';
    end $$`)
  // What a wrong clock has left in the default partition moves into a month of its own, to go like any other.
  await sql.unsafe(`
    create function audit_log_expired_months(days integer) returns table (month date, pages bigint)
      language plpgsql security definer ${settings} set lock_timeout = '2s' as $$
    declare
      kept_since timestamptz := audit_log_kept_since(days);
    begin
      perform pg_advisory_xact_lock(7228053312);
      perform audit_log_add_month(past.month) from (
        select distinct date_trunc('month', at at time zone 'UTC')::date as month from audit_log_default
        where at >= 'epoch' and at < date_trunc('month', kept_since at time zone 'UTC') at time zone 'UTC'
      ) as past;
      return query
        select found.month, pg_relation_size(found.oid) / current_setting('block_size')::int
        from (
          select to_date(relname, '"audit_log_"YYYY_MM') as month, pg_class.oid
          from pg_inherits join pg_class on pg_class.oid = inhrelid
          where inhparent = 'audit_log'::regclass and relname ~ '^audit_log_\\d{4}_\\d\\d$'
        ) as found
        where (found.month + interval '1 month') at time zone 'UTC' <= kept_since order by 1;
    end $$`)
  // True when the month is gone; false when its export lacks rows, or has others. Nobody writes to it while it is
  // counted. Only by the drop is the log itself locked, for an instant: should somebody read it for long, as a backup
  // does, it gives up at once, for all uses of tokens queue up behind it.
  await sql.unsafe(`
    create function audit_log_drop_month(export text, days integer) returns boolean
      language plpgsql security definer ${settings} set lock_timeout = '100ms' as $$
    declare
      exported audit_exports;
      partition text;
      counted bigint;
    begin
      select * into strict exported from audit_exports where file = export and dropped_at is null for update;
      if (exported.month + interval '1 month') at time zone 'UTC' > audit_log_kept_since(days) then
        raise exception 'the month is not past its time' using errcode = 'invalid_parameter_value';
      end if;
      partition := to_char(exported.month, '"audit_log_"YYYY_MM');
      execute format('lock table %I in share mode', partition);
      execute format('select count(*) from %I', partition) into counted;
      if counted is distinct from exported.rows then return false; end if;
      delete from token_uses as old where month = exported.month and (last_at is null or exists (
        select from token_uses as later where later.token_id = old.token_id and
          (later.last_at, later.month, later.shard) > (old.last_at, old.month, old.shard)));
      update token_uses set authorized = 0, refused = 0 where month = exported.month;
      update audit_exports set dropped_at = now() where file = export;
      execute format('drop table %I', partition);
      return true;
    end $$`)
  await sql`
    revoke all on function audit_log_kept_since, audit_log_expired_months, audit_log_drop_month from public`
}

export async function down(sql: Sql) {
  await sql`drop function audit_log_drop_month, audit_log_expired_months, audit_log_kept_since`
  await sql`drop table audit_exports`
}
