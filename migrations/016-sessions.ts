import type { Sql } from 'postgres'

// The logins whose access tokens are good. A logout takes its login out, and nothing is kept that says so: what a clock
// removes too early ends a login, and brings none back. It replaces the list of those that were logged out (011).
export async function up(sql: Sql) {
  await sql`
    create table sessions (
      jti uuid primary key,
      user_id uuid not null references users,
      expires_at timestamptz(3) not null
    )`
  await sql`create index sessions_by_expiry on sessions (expires_at)`
  await sql`drop table ended_sessions`
}

export async function down(sql: Sql) {
  await sql`
    create table ended_sessions (
      jti uuid primary key,
      expires_at timestamptz(3) not null
    )`
  await sql`create index ended_sessions_by_expiry on ended_sessions (expires_at)`
  await sql`drop table sessions`
}
