import type { Sql } from 'postgres'

// How often a token was used, and when last, is kept beside the log and in step with it: the log is too long to be
// counted for each page of it. By month, so that a month's counts go when its rows go. A few shards, so
// that instances that see the same token need not wait for each other's row.
export async function up(sql: Sql) {
  // Half of each page is left free: an update in place then touches no index.
  await sql`
    create table token_uses (
      token_id uuid not null,
      month date not null,
      shard smallint not null,
      authorized bigint not null,
      refused bigint not null,
      last_at timestamptz(3),
      last_ip inet,
      primary key (token_id, month, shard)
    ) with (fillfactor = 50)`
  await sql`
    insert into token_uses
    select token_id, date_trunc('month', at at time zone 'UTC')::date, 0,
      count(*) filter (where authorized), count(*) filter (where not authorized),
      max(at) filter (where authorized),
      (array_agg(ip order by at desc, id desc) filter (where authorized))[1]
    from audit_log group by 1, 2`
  await sql`alter table tokens drop column last_used_at, drop column last_used_ip`
}

export async function down(sql: Sql) {
  await sql`alter table tokens add column last_used_at timestamptz(3), add column last_used_ip inet`
  await sql`
    update tokens set last_used_at = last.at, last_used_ip = last.ip from (
      select distinct on (token_id) token_id, last_at as at, last_ip as ip from token_uses
      where last_at is not null order by token_id, last_at desc
    ) as last where tokens.id = last.token_id`
  await sql`drop table token_uses`
}
