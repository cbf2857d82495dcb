import type { Sql } from 'postgres'

// The bytes that may be in the storage without a row in fcs_files: of an upload before its row is written, of one that
// failed, and of a file that was removed. A row that is claimed can't become a file any more.
export async function up(sql: Sql) {
  await sql`
    create table fcs_leftovers (
      id uuid primary key,
      claimed boolean not null default false,
      since timestamptz(3) not null default now()
    )`
}

export async function down(sql: Sql) {
  await sql`drop table fcs_leftovers`
}
