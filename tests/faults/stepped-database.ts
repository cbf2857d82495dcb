import postgres from 'postgres'
import { createLog } from '../../src/log.ts'
import { migrate } from '../../src/migrate.ts'
import type { folders } from '../kit/service.ts'
import { ownDatabase } from './own-database.ts'
import { steppedClock } from './stepped-clock.ts'

export type SteppedDatabase = Awaited<ReturnType<typeof steppedDatabase>>

/** A PostgreSQL whose clock can be stepped while it runs, with every migration applied. */
export async function steppedDatabase(made: ReturnType<typeof folders>) {
  const clock = await steppedClock(made)
  const database = await ownDatabase(await made.create(), { env: clock.env })
  const { url } = database
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  await migrate({ sql, log: createLog('warn', () => {}) })
  return {
    url,
    /** The test's own connections, as the owner of the tables. */
    sql,
    step: clock.step,
    async stop() {
      await sql.end()
      await database.stop()
    },
  }
}
