import type { Sql } from 'postgres'

// Whatever changes what a token may do is told on the channel `pat` when its transaction commits, by triggers, so
// that no code path can forget it, nor a hand in psql. Columns are named, for the last use changes with every
// request and takes nothing away. docs/revocation.md has the protocol.
export async function up(sql: Sql) {
  await sql`
    create table pat_instances (
      id uuid primary key,
      beat bigint not null default 0
    ) with (fillfactor = 20)`
  await sql`
    create function pat_tell_change() returns trigger language plpgsql set search_path = pg_catalog as $$
    begin
      perform pg_notify('pat', 'forget ' || (to_jsonb(old) ->> tg_argv[0]));
      return null;
    end $$`
  await sql`
    create function pat_tell_truncate() returns trigger language plpgsql set search_path = pg_catalog as $$
    begin
      perform pg_notify('pat', 'forget *');
      return null;
    end $$`
  const watched = [
    ['users', 'id', 'id, is_active, password_hash'],
    ['tokens', 'id', 'id, user_id, scopes, allowed_ips, revoked_at'],
    ['token_secrets', 'token_id', 'hash, token_id, expires_at, superseded_at'],
  ] as const
  for (const [table, id, columns] of watched) {
    // `always`: also where rows come by replication, or by a restore that switches triggers off.
    await sql.unsafe(`
      create trigger pat_tell_update after update of ${columns} on ${table}
        for each row execute function pat_tell_change('${id}');
      create trigger pat_tell_delete after delete on ${table}
        for each row execute function pat_tell_change('${id}');
      create trigger pat_tell_truncate after truncate on ${table}
        for each statement execute function pat_tell_truncate();
      alter table ${table} enable always trigger pat_tell_update, enable always trigger pat_tell_delete,
        enable always trigger pat_tell_truncate`)
  }
}

export async function down(sql: Sql) {
  await sql`drop function pat_tell_change, pat_tell_truncate cascade`
  await sql`drop table pat_instances`
}
