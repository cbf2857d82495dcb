import type { Sql } from 'postgres'

export async function up(sql: Sql) {
  await sql`
    create table workspaces (
      id uuid primary key default gen_random_uuid(),
      owner_id uuid not null references users,
      name text not null,
      description text,
      settings jsonb not null default '{}',
      created_at timestamptz(3) not null default now(),
      updated_at timestamptz(3) not null default now()
    )`
  await sql`create index workspaces_by_owner on workspaces (owner_id, created_at desc, id desc)`
}

export async function down(sql: Sql) {
  await sql`drop table workspaces`
}
