import type { Sql } from 'postgres'

// The logins whose access tokens are good. A logout takes its login out, and nothing is kept that says so: what a clock
// removes too early ends a login, and brings none back. The list of those that were logged out (011) is there for the release
// before, whose logouts hold here too, until that is gone.
export async function up(sql: Sql) {
  await sql`
    create table sessions (
      jti uuid primary key,
      user_id uuid not null references users,
      expires_at timestamptz(3) not null
    )`
  await sql`create index sessions_by_expiry on sessions (expires_at)`
  const [current] = await sql<{ schema: string }[]>`
    select quote_ident(current_schema()) as schema`
  await sql.unsafe(`
    create function end_session() returns trigger language plpgsql
      set search_path = ${current?.schema}, pg_temp as $$
    begin
      delete from sessions where jti = new.jti;
      return null;
    end $$`)
  await sql`
    create trigger ended_sessions_end after insert on ended_sessions
      for each row execute function end_session()`
}

export async function down(sql: Sql) {
  await sql`drop trigger ended_sessions_end on ended_sessions`
  await sql`drop function end_session`
  await sql`drop table sessions`
}
