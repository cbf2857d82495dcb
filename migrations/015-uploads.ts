import { getConstructionPlans, getUninstallPlans } from 'pg-boss'
import type { Sql } from 'postgres'

/** Uploads in pieces, from their first byte to a day after they have become files; and the queue that finishes them. */
export async function up(sql: Sql) {
  await sql`
    create table uploads (
      id uuid primary key,
      owner_id uuid not null references users,
      filename text not null,
      metadata json not null,
      size_bytes bigint not null check (size_bytes >= 0),
      state text not null default 'receiving' check (state in ('receiving', 'processing', 'ready', 'failed')),
      progress real not null default 0,
      failure json,
      created_at timestamptz(3) not null default now(),
      expires_at timestamptz not null default now() + interval '24 hours',
      holder uuid,
      held_until timestamptz,
      wanted boolean not null default false,
      check ((state = 'failed') = (failure is not null))
    )`
  await sql`
    create index uploads_under_way on uploads (owner_id) where state in ('receiving', 'processing')`
  await sql`create index uploads_by_expiry on uploads (expires_at)`

  const schema = await queueSchema(sql)
  // Asked first, for a user who may not make schemas may still have been given this one.
  const [known] = await sql`select from pg_namespace where quote_ident(nspname) = ${schema.name}`
  if (!known) await sql.unsafe(`create schema ${schema.name}`)
  await sql.unsafe(withoutTransaction(getConstructionPlans(schema.quoted, { createSchema: false })))
}

export async function down(sql: Sql) {
  const schema = await queueSchema(sql)
  await sql.unsafe(withoutTransaction(getUninstallPlans(schema.quoted)))
  await sql.unsafe(`drop schema ${schema.name}`)
  await sql`drop table uploads`
}

/** The queue's tables have a schema of their own, named after the one of ours: several installations may share a database. */
async function queueSchema(sql: Sql) {
  const [row] = await sql<{ name: string; plain: string }[]>`
    select quote_ident(current_schema() || '_jobs') as name, current_schema() || '_jobs' as plain`
  if (!row) throw new Error('no row')
  return { name: row.name, quoted: `"${row.plain}"` }
}

/** The statements between the BEGIN and the COMMIT of a plan: all migrations are one transaction already. */
const withoutTransaction = (plan: string) =>
  plan.replace(/^\s*BEGIN;/, '').replace(/COMMIT;\s*$/, '')
