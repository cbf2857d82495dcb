import type { Sql } from 'postgres'

// A limit of a token's own. A change of it is told like the others that a token's holder must feel at once (008).
export async function up(sql: Sql) {
  await sql`
    alter table tokens add column rate_limit_per_minute integer
      check (rate_limit_per_minute between 1 and 1000000)`
  await sql`
    create trigger pat_tell_rate_limit after update of rate_limit_per_minute on tokens
      for each row execute function pat_tell_change('id')`
  await sql`alter table tokens enable always trigger pat_tell_rate_limit`
}

export async function down(sql: Sql) {
  await sql`drop trigger pat_tell_rate_limit on tokens`
  await sql`alter table tokens drop column rate_limit_per_minute`
}
