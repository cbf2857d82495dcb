import { Socket } from 'node:net'
import postgres, { type Sql } from 'postgres'
import { createPulse } from './pulse.ts'

/** What a process asks its database through. */
export type Pools = {
  sql: Sql
  /** One connection, on which the audit's batches follow each other. */
  auditSql: Sql
}

/**
 * Opens pools, whose sessions begin with these settings. Nothing is connected before the first query. What they ask fails
 * within seconds when the database hangs (`createPulse`), and at its statement_timeout when that is slow.
 */
export function connect(url: string, session: Record<string, string> = {}): Pools {
  const options = {
    connect_timeout: 5,
    // A database that comes back is found again at once, not after the default's growing pause.
    backoff: () => 0.2,
    onnotice: () => {},
    connection: { application_name: 'pat-auth-system', statement_timeout: 30_000, ...session },
  }
  // Their types lack the option `socket`.
  const questions = postgres(url, {
    ...{ ...options, max: 1, idle_timeout: 5 },
    ...{ socket: socketFactory((socket) => pulse.asks(socket)) },
  })
  const pulse = createPulse({
    ask: () => questions`select`,
    encrypted: Boolean(questions.options.ssl),
  })
  const pool = (max: number) =>
    postgres(url, { ...options, max, ...{ socket: socketFactory(pulse.carries) } })
  return { sql: pool(16), auditSql: pool(1) }
}

/**
 * Left alone, postgres connects again without end and without failing the query that waits, when the other side
 * accepts and hangs up: a proxy whose database is gone. These sockets call that an error. Hosts take turns.
 * A socket that `admit` turns down hangs up by itself.
 */
function socketFactory(admit: (socket: Socket) => boolean) {
  let attempts = 0
  return ({ host, port, path }: { host: string[]; port: number[]; path?: string | false }) => {
    const at = attempts++ % host.length
    const socket = new Socket()
    socket.once('close', (hadError) => {
      // Without a listener an error would end the process: postgres is done with this socket.
      if (hadError || socket.listenerCount('error') === 0) return
      socket.emit('error', Object.assign(new Error('hung up'), { code: 'CONNECTION_CLOSED' }))
    })
    if (!admit(socket)) {
      // Once postgres listens to it.
      setImmediate(() => socket.destroy())
      return socket
    }
    if (path) return socket.connect(path)
    // TLS checks the certificate against this name.
    const peer = { host: host[at] ?? 'localhost', port: port[at] ?? 5432 }
    return Object.assign(socket.connect(peer), peer)
  }
}

const MARK = 'pat_auth_system.client'

/**
 * Whether each connection has a session of its own. A pooler that hands one session to several clients, a transaction each,
 * loses prepared statements, or runs those of others, and delivers no notification: neither is safe for us.
 */
export async function hasOwnSessions(sql: Sql): Promise<boolean> {
  // Where nobody answers, a query says it in the way that `isDatabaseDown` knows, and a reservation does not.
  await sql.unsafe('select')
  const [one, other] = await Promise.all([sql.reserve(), sql.reserve()])
  // Without parameters, for nothing is prepared then.
  const mark = (client: Sql, name: string) =>
    client.unsafe(`select set_config('${MARK}', '${name}', false)`)
  try {
    await mark(one, 'one')
    // Twice: of two sessions that are taken in turns, the second is that of the first client.
    await mark(other, 'other')
    await mark(other, 'other')
    const [found] = await one.unsafe(`select current_setting('${MARK}', true) as mark`)
    return found?.mark === 'one'
  } finally {
    one.release()
    other.release()
  }
}

// SQLSTATE: connection exception, insufficient resources, operator intervention (statement timeout, shutdown,
// starting up), and a standby that can't be written to.
const UNAVAILABLE = /^(08...|53...|57014|57P0.|25006)$/

/** Whether a query failed because the database can't be reached, and would pass once it is back. */
export function isDatabaseDown(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string')
    return false
  // A fatal error ended the connection, whatever its reason: no query of ours can.
  if (error instanceof postgres.PostgresError) {
    return error.severity === 'FATAL' || UNAVAILABLE.test(error.code)
  }
  // postgres's own codes, and what a socket says. The errors of files have no query.
  return error.code.startsWith('CONNECT') || ('syscall' in error && 'query' in error)
}

/** Whether a query broke the unique constraint of this name. */
export function breaksUnique(error: unknown, constraint: string): boolean {
  return (
    error instanceof postgres.PostgresError &&
    error.code === '23505' &&
    error.constraint_name === constraint
  )
}
