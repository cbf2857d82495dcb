import type { Sql } from 'postgres'

// The *_key columns hold the value without regard to case, folded by the program: lower() of a database
// depends on its locale.
export async function up(sql: Sql) {
  await sql`
    create table users (
      id uuid primary key default gen_random_uuid(),
      username text not null,
      username_key text not null unique,
      email text not null,
      email_key text not null unique,
      password_hash text not null,
      display_name text,
      is_active boolean not null default true,
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now()
    )`
}

export async function down(sql: Sql) {
  await sql`drop table users`
}
