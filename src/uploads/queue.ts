import { type Db, PgBoss } from 'pg-boss'
import type { ISql, SerializableParameter, Sql } from 'postgres'
import type { Log } from '../log.ts'
import { redating, steadyClock } from './queue-clocks.ts'

const NAME = 'finish-upload'

/** A job whose instance has been silent for this long goes to another one: pg-boss takes no less. */
const HEARTBEAT_SECONDS = 10
const WATCH_SECONDS = 5
/** Over about three hours: what fails for longer than that won't pass by itself. */
const RETRIES = 20

export type Work = (id: string, signal: AbortSignal, isLast: boolean) => Promise<void>

export type Queue = {
  /** Adds a job in the caller's transaction: it is there when that is committed, or not at all. */
  add(tx: ISql, id: string): Promise<void>
  /** Lets this instance look for work at once. */
  wake(): void
  /** `work` is called again when it throws, until it is told that this is the last time. */
  start(work: Work): Promise<void>
  /** Resolves when no work is being done here. What was under way goes to another instance. */
  stop(): Promise<void>
}

/**
 * The uploads that wait to become files, in PostgreSQL: what is added is worked on by one instance at a time until it is
 * done, also when one is killed. Its tables are made by a migration, for the service has no right to.
 */
export async function createQueue(sql: Sql, log: Log): Promise<Queue> {
  const [row] = await sql<{ schema: string }[]>`select current_schema() || '_jobs' as schema`
  const schema = `"${row?.schema}"`
  const boss = new PgBoss({
    db: executor(sql),
    schema,
    clock: steadyClock,
    migrate: false,
    createSchema: false,
    schedule: false,
    reindex: false,
    monitorVacuum: false,
    registerInstance: false,
    superviseIntervalSeconds: WATCH_SECONDS,
    monitorIntervalSeconds: WATCH_SECONDS,
  })
  const failed = (error: unknown) =>
    log.warn('the queue of uploads failed', { error: String(error) })
  boss.on('error', failed)
  await boss.createQueue(NAME, {
    heartbeatSeconds: HEARTBEAT_SECONDS,
    expireInSeconds: 23 * 60 * 60,
    retryLimit: RETRIES,
    retryDelay: 1,
    retryBackoff: true,
    retryDelayMax: 600,
    deleteAfterSeconds: 24 * 60 * 60,
  })
  const redate = () => void sql.unsafe(redating(schema, NAME)).catch(failed)
  let redates: ReturnType<typeof setInterval> | undefined
  let worker: string | undefined
  const working = new Set<Promise<void>>()

  return {
    async add(tx, id) {
      await boss.send(NAME, { id }, { db: executor(tx) })
    },
    wake() {
      if (worker !== undefined) boss.notifyWorker(worker)
    },
    async start(work) {
      await boss.start()
      redates = setInterval(redate, WATCH_SECONDS * 1_000)
      const options = { heartbeatRefreshSeconds: 2 }
      worker = await boss.work<{ id: string }>(NAME, options, async ([job]) => {
        if (!job) return
        const done = work(job.data.id, job.signal, job.retryCount >= RETRIES)
        working.add(done)
        await done.finally(() => working.delete(done))
      })
    },
    async stop() {
      clearInterval(redates)
      await boss.stop({ graceful: false })
      await Promise.allSettled(working)
    },
  }
}

/** pg-boss over our own connections. */
function executor(sql: ISql): Db {
  return {
    async executeSql(text, values = []) {
      const rows = /^\s*BEGIN\b/i.test(text)
        ? await transaction(sql, text)
        : await sql.unsafe(
            text,
            values.map((value) => bound(sql, value)),
          )
      // Several statements give a list of the rows of each.
      return { rows: rows.some(Array.isArray) ? rows.flat() : [...rows] }
    },
  }
}

/** Statements that begin and commit by themselves need one connection, which goes back without a transaction. */
async function transaction(sql: ISql, text: string) {
  if (!('reserve' in sql)) throw new Error('a transaction within a transaction')
  const connection = await (sql as Sql).reserve()
  try {
    return await connection.unsafe(text)
  } catch (error) {
    await connection.unsafe('rollback').catch(() => {})
    throw error
  } finally {
    connection.release()
  }
}

/** PostgreSQL's OID for text whose type the statement says. */
const UNKNOWN = 705

/** pg-boss prints its JSON itself; postgres would print it once more where it finds a parameter to be JSON. */
function bound(sql: ISql, value: unknown) {
  return typeof value === 'string' ? sql.typed(value, UNKNOWN) : (value as SerializableParameter)
}
