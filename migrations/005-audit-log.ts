import type { Sql } from 'postgres'

export async function up(sql: Sql) {
  await sql`
    create table audit_log (
      id bigint generated always as identity primary key,
      token_id uuid not null,
      at timestamptz(3) not null,
      ip inet,
      method text not null,
      endpoint text not null,
      status_code smallint not null,
      authorized boolean not null,
      reason text
    )`
  await sql`create index audit_log_by_token on audit_log (token_id, id desc)`
}

export async function down(sql: Sql) {
  await sql`drop table audit_log`
}
