import postgres, { type Sql } from 'postgres'

/** Opens a pool. Nothing is connected before the first query. */
export function connect(url: string): Sql {
  return postgres(url, {
    max: 16,
    connect_timeout: 5,
    // A database that comes back is found again at once, not after the default's growing pause.
    backoff: () => 0.2,
    onnotice: () => {},
    connection: { application_name: 'pat-auth-system', statement_timeout: 30_000 },
  })
}

const LOST = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
])
// SQLSTATE: connection exception, operator intervention (shutdown, starting up), too many connections.
const UNAVAILABLE = /^(08...|57P0.|53300)$/

/** Whether a query failed because the database can't be reached, and would pass once it is back. */
export function isDatabaseDown(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string')
    return false
  return LOST.has(error.code) || UNAVAILABLE.test(error.code)
}

/** Whether a query broke the unique constraint of this name. */
export function breaksUnique(error: unknown, constraint: string): boolean {
  return (
    error instanceof postgres.PostgresError &&
    error.code === '23505' &&
    error.constraint_name === constraint
  )
}
