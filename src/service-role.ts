import postgres, { type Sql, type TransactionSql } from 'postgres'
import type { Log } from './log.ts'

/** What the running service acts as. It belongs to the cluster: databases of one share it. */
export const SERVICE_ROLE = 'pat_auth_service'

/** Nothing is ever emptied, altered or dropped. A table without a line is read and written by row. */
const ORDINARY = 'select, insert, update, delete'
const PRIVILEGES: Record<string, string> = {
  audit_exports: 'select, insert, update',
  audit_log: 'select, insert',
  migrations: 'select',
  token_secrets: 'select, insert, update',
  token_uses: 'select, insert, update',
  tokens: 'select, insert, update',
  users: 'select, insert, update',
}

/** What needs the owner's rights: functions that are `security definer`. */
const FUNCTIONS = [
  'audit_log_make_partitions()',
  'audit_log_expired_months(integer)',
  'audit_log_drop_month(text, integer)',
]

/**
 * Makes the service's role where the cluster has none yet, lets this connection's user take it, and gives it what the
 * lists above say in the current schema, no more. For the owner of the tables, who need not be allowed to make roles:
 * false says that the role can't be taken, and that nothing was changed.
 */
export async function admitService(tx: TransactionSql): Promise<boolean> {
  if (!(await canTakeRole(tx))) {
    // Databases of one cluster that are migrated at once may all try; what counts is how it ends.
    await attempt(tx, `create role ${SERVICE_ROLE} nologin`)
    await attempt(tx, `grant ${SERVICE_ROLE} to session_user`)
    if (!(await canTakeRole(tx))) return false
  }
  await grant(tx)
  return true
}

export const canTakeRole = (tx: TransactionSql) =>
  attempt(tx, `set local role ${SERVICE_ROLE}; set local role none`)

/** Whether PostgreSQL accepted the statement. One that it refused leaves nothing behind. */
const attempt = (tx: TransactionSql, statement: string): Promise<boolean> =>
  tx
    .savepoint((inner) => inner.unsafe(statement))
    .then(
      () => true,
      (error) => {
        if (error instanceof postgres.PostgresError) return false
        throw error
      },
    )

async function grant(tx: TransactionSql) {
  // Partitions are reached through their table. Tables that others keep in the schema stay theirs.
  const relations = await tx<{ name: string; place: string; sequence: boolean }[]>`
    select relname as name, c.oid::regclass::text as place, relkind = 'S' as sequence
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname = current_schema() and relkind in ('r', 'p', 'S') and not relispartition and relowner in
      (quote_ident(current_user)::regrole, (select relowner from pg_class where oid = 'migrations'::regclass))`
  const grants = relations.map(({ name, place, sequence }) => {
    const object = `${sequence ? 'sequence' : 'table'} ${place}`
    const privileges = sequence ? 'usage' : (PRIVILEGES[name] ?? ORDINARY)
    return `revoke all on ${object} from ${SERVICE_ROLE}; grant ${privileges} on ${object} to ${SERVICE_ROLE};`
  })
  await tx.unsafe(grants.join('\n'))
  const functions = await tx<{ place: string }[]>`
    select to_regprocedure(f)::text as place from unnest(${FUNCTIONS}::text[]) as f
    where to_regprocedure(f) is not null`
  for (const { place } of functions) {
    await tx.unsafe(`grant execute on function ${place} to ${SERVICE_ROLE}`)
  }
  await grantQueue(tx)
  // As a rule everybody may use the schema, and then it need not belong to the owner of the tables.
  const [closed] = await tx<{ schema: string }[]>`
    select quote_ident(nspname) as schema from pg_namespace
    where nspname = current_schema() and not has_schema_privilege(${SERVICE_ROLE}, oid, 'usage')`
  if (closed) await tx.unsafe(`grant usage on schema ${closed.schema} to ${SERVICE_ROLE}`)
}

/** The tables of the queue are written by row as well; its functions run with the rights of who calls them. */
async function grantQueue(tx: TransactionSql) {
  const [queue] = await tx<{ schema: string }[]>`
    select quote_ident(nspname) as schema from pg_namespace where nspname = current_schema() || '_jobs'`
  if (!queue) return
  const { schema } = queue
  await tx.unsafe(`
    revoke all on all tables in schema ${schema} from ${SERVICE_ROLE};
    grant usage on schema ${schema} to ${SERVICE_ROLE};
    grant ${ORDINARY} on all tables in schema ${schema} to ${SERVICE_ROLE};
    grant execute on all functions in schema ${schema} to ${SERVICE_ROLE}`)
}

/** Says once, on the connections that the service will use, if they could rewrite what it has recorded. */
export async function warnIfOwner(sql: Sql, log: Log): Promise<void> {
  const [session] = await sql<{ owner: boolean; login: string }[]>`
    select has_table_privilege('audit_log', 'update') as owner, quote_ident(session_user) as login`
  if (!session?.owner) return
  if (sql.options.connection.role === SERVICE_ROLE) {
    return log.warn(
      'the service acts as the owner of its tables: a pooler drops the parameter role',
    )
  }
  log.warn('the service acts as the owner of its tables: let an administrator run this once', {
    sql: `create role ${SERVICE_ROLE} nologin; grant ${SERVICE_ROLE} to ${session.login}`,
  })
}
