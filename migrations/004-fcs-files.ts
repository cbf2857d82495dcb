import type { Sql } from 'postgres'

// json, not jsonb: it is written once and read back whole, and nothing queries inside.
export async function up(sql: Sql) {
  await sql`
    create table fcs_files (
      id uuid primary key,
      owner_id uuid not null references users,
      filename text not null,
      size_bytes bigint not null,
      sha256 bytea not null,
      total_events bigint not null,
      total_parameters integer not null,
      description json not null,
      statistics json not null,
      created_at timestamptz(3) not null default now()
    )`
  await sql`create index fcs_files_by_owner on fcs_files (owner_id, created_at desc, id desc)`
}

export async function down(sql: Sql) {
  await sql`drop table fcs_files`
}
