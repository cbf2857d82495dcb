// The program under load, in a process and a folder of its own.
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { createDatabase } from '../kit/postgres.ts'
import { BUN, folders, service } from '../kit/service.ts'
import { createLoad, expectNothingLost } from './load.ts'

/** No limits, and each call of the load from an address of its own, which is its mark. */
const ENV = {
  TRUSTED_PROXIES: '127.0.0.1',
  RATE_LIMIT_PER_MINUTE: '0',
  TOKEN_RATE_LIMIT_PER_MINUTE: '0',
}

export type Program = Awaited<ReturnType<typeof program>>

/** The program on a database, and somebody to load it. `command` starts it in another way than plainly. */
export async function program(
  url: string,
  {
    env = {},
    command = BUN,
    dataDir,
  }: { env?: Record<string, string>; command?: string[]; dataDir?: string } = {},
) {
  const made = folders()
  const folder = await made.create()
  const data = dataDir ?? join(folder, 'data')
  const start = () =>
    service(folder, { DATABASE_URL: url, DATA_DIR: data, ...ENV, ...env }, command)
  let running = await start()
  const load = await createLoad(running.url)
  const sql = postgres(url, { max: 2, onnotice: () => undefined })

  return {
    load,
    sql,
    /** The process as it runs now. */
    process: () => running,
    async restart() {
      running = await start()
      load.moveTo(running.url)
    },

    /** Every answer is recorded, every upload whole, and no row is without its bytes. */
    async expectNothingLost() {
      await expectNothingLost(load, sql)
      const rows = await sql<{ id: string; sha256: string }[]>`
        select id, encode(sha256, 'hex') as sha256 from fcs_files`
      const kept = await Promise.all(
        rows.map(async ({ id }) => {
          const bytes = await Bun.file(join(data, 'files', id)).bytes()
          return { id, sha256: createHash('sha256').update(bytes).digest('hex') }
        }),
      )
      if (!Bun.deepEquals(kept, [...rows])) throw new Error('a row is without its bytes')
    },

    /** Files without a row: what an upload that failed has left behind. */
    async orphans(): Promise<string[]> {
      const rows = await sql<{ id: string }[]>`select id from fcs_files`
      const ids = new Set(rows.map(({ id }) => id))
      return (await readdir(join(data, 'files'))).filter((name) => !ids.has(name))
    },

    /** How many connections to the database the program has. */
    async connections() {
      const [found] = await sql<{ count: number }[]>`
        select count(*)::int as count from pg_stat_activity
        where application_name = 'pat-auth-system' and datname = current_database()`
      return found?.count ?? 0
    },

    async end(): Promise<number | null> {
      const code = await running.end()
      await sql.end()
      await made.remove()
      return code
    },
  }
}

/** The same on a database of its own, which goes with it. */
export async function programAlone(): Promise<Program> {
  const database = await createDatabase()
  const made = await program(database.url)
  return {
    ...made,
    async end() {
      const code = await made.end()
      await database.drop()
      return code
    },
  }
}
