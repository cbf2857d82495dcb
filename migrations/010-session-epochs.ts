import type { Sql } from 'postgres'

// Every access token carries the epoch in which its owner logged in. A change of the password begins a new one, and
// so ends all of them at once. An instant would not do: a token's is in whole seconds, by another clock.
export async function up(sql: Sql) {
  await sql`alter table users add session_epoch integer not null default 0`
}

export async function down(sql: Sql) {
  await sql`alter table users drop session_epoch`
}
