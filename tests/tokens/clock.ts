import type { TestApp } from '../kit/app.ts'

/**
 * Gives the app's database a clock that stands still until it is set: functions that shadow PostgreSQL's own for
 * every statement. Call it before anything else, while each pool has one connection at most.
 */
export async function stoppedClock({ sql, pool, settled }: TestApp, start: Date) {
  await sql.begin(async (sql) => {
    await sql.unsafe(`
      create schema stopped;
      create table stopped.clock (at timestamptz not null);
      create function stopped.clock_timestamp() returns timestamptz language sql volatile
        as 'select at from stopped.clock';
      create function stopped.now() returns timestamptz language sql volatile
        as 'select at from stopped.clock';
      alter table public.tokens alter created_at set default stopped.now();
      do $$ begin
        execute format('alter database %I set search_path = stopped, pg_catalog, public', current_database());
      end $$;
      grant usage on schema stopped to public;
      grant select on stopped.clock to public`)
    await sql`insert into stopped.clock values (${start})`
  })
  for (const open of [sql, pool]) await open`set search_path = stopped, pg_catalog, public`
  let at = start.getTime()
  const set = async (milliseconds: number) => {
    at = milliseconds
    await sql`update stopped.clock set at = ${new Date(at)}`
    // The app reads the clock a few times a second only, and counts on from there.
    await sql`select pg_notify('pat', 'forget *')`
    await settled()
  }
  return { set, advance: (milliseconds: number) => set(at + milliseconds) }
}
