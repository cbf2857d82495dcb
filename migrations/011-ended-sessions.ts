import type { Sql } from 'postgres'

// The access tokens that were logged out, each kept until it would have expired by itself.
export async function up(sql: Sql) {
  await sql`
    create table ended_sessions (
      jti uuid primary key,
      expires_at timestamptz(3) not null
    )`
  await sql`create index ended_sessions_by_expiry on ended_sessions (expires_at)`
}

export async function down(sql: Sql) {
  await sql`drop table ended_sessions`
}
