import type { Sql } from 'postgres'

// A token keeps its id, name and log when it is regenerated; each string that was ever handed out for it
// is a secret of its own, so that an old one is answered "Token revoked" and not "Invalid token".
export async function up(sql: Sql) {
  await sql`
    create table tokens (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users,
      name text not null,
      scopes text[] not null,
      allowed_ips text[],
      created_at timestamptz(3) not null default now(),
      revoked_at timestamptz(3),
      last_used_at timestamptz(3),
      last_used_ip inet
    )`
  await sql`create index tokens_by_owner on tokens (user_id, created_at desc, id desc)`
  await sql`
    create table token_secrets (
      hash bytea primary key,
      token_id uuid not null references tokens,
      prefix text not null,
      issued_at timestamptz(3) not null default now(),
      expires_at timestamptz(3) not null,
      superseded_at timestamptz(3)
    )`
  await sql`
    create unique index token_secrets_current on token_secrets (token_id) where superseded_at is null`
}

export async function down(sql: Sql) {
  await sql`drop table token_secrets, tokens`
}
