// What is done later, at a time that the database keeps, while the clock of the database is stepped.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir, rename } from 'node:fs/promises'
import type { Sql } from 'postgres'
import { createLog } from '../../src/log.ts'
import { keepRetention } from '../../src/retention/retention.ts'
import { localStorage } from '../../src/storage/local.ts'
import { localParts } from '../../src/uploads/parts.ts'
import { createQueue } from '../../src/uploads/queue.ts'
import { cytometrist, FILES, fcsBytes } from '../files/kit.ts'
import { testApp } from '../kit/app.ts'
import { connectService } from '../kit/postgres.ts'
import { folders, until } from '../kit/service.ts'
import { idOf, pieces } from '../uploads/kit.ts'
import { HAS_FAKETIME, HOUR_SECONDS } from './stepped-clock.ts'
import { type SteppedDatabase, steppedDatabase } from './stepped-database.ts'

setDefaultTimeout(30_000)

const DAY_MS = 86_400_000
const log = createLog('warn', () => {})
const made = folders()

describe.skipIf(!HAS_FAKETIME)('the clock of the database is set back by an hour:', () => {
  let database: SteppedDatabase
  let pool: Sql
  beforeAll(async () => {
    database = await steppedDatabase(made)
    pool = connectService(database.url).sql
  })
  afterAll(async () => {
    await pool.end()
    await database.stop()
    await made.remove()
  })

  test('uploads that wait to become files go on, also those of an instance that died, nobody waits for what it held, and what was given up stays away', async () => {
    const { sql, step } = database
    const first = await testApp({ sql: pool, queue: await createQueue(pool, log) })
    const second = await testApp({
      sql: pool,
      queue: await createQueue(pool, log),
      storage: await localStorage(first.folder),
      parts: await localParts(first.parts),
    })
    const owner = await cytometrist(first)
    const tus = pieces(first, owner.bearer)
    const body = fcsBytes()
    const begin = async () => {
      const at = await tus.begun(body.length)
      return { at, id: idOf(at) }
    }
    const whole = async (id: string) => {
      await owner.get(`${FILES}/${id}/progress`)
      return (await owner.get(`${FILES}/${id}`)).body.data
    }

    await step(HOUR_SECONDS)
    const [waiting, orphaned, held] = [await begin(), await begin(), await begin()]
    const givenUp = await begin()
    expect((await tus.end(givenUp.at)).status).toBe(204)
    // As if others had taken these, had looked after the queue, and died.
    await tus.piece(orphaned.at, 0, body)
    await sql`update public_jobs.job set state = 'active', started_on = now(), heartbeat_on = now()`
    await sql`update public_jobs.queue set monitor_claim_on = now(), monitor_on = now()`
    await sql`
      update uploads set holder = gen_random_uuid(), held_until = now() + interval '10 seconds'
      where id = ${held.id}`
    await second.app.decorator.finishing.start()
    // While the disk is away, who makes files of uploads has to try again.
    await rename(first.folder, `${first.folder}.away`)
    await tus.piece(waiting.at, 0, body)
    await until(async () => {
      const { count } = await sql`select from public_jobs.job where state = 'retry'`
      return count === 1
    })
    await step(0)
    await rename(`${first.folder}.away`, first.folder)

    expect((await tus.head(givenUp.at)).status).toBe(404)
    expect((await owner.get(`${FILES}/${givenUp.id}`)).status).toBe(404)
    expect((await tus.head(held.at)).status).toBe(200)
    expect(await whole(waiting.id)).toMatchObject({ status: 'ready' })
    // As if the ten seconds had passed after which an instance that is silent counts as dead.
    await until(async () => {
      const { count } = await sql`
        update public_jobs.job set heartbeat_on = heartbeat_on - interval '10 seconds'
        where state = 'active' and heartbeat_on <= now()`
      return count === 1
    })
    expect(await whole(orphaned.id)).toMatchObject({ status: 'ready' })
    for (const { close } of [second, first]) await close()
  })

  test('a month of the audit log that was past its time is no more, and stays until it is again', async () => {
    const { sql, step } = database
    const folder = await made.create()
    const storage = await localStorage(folder)
    // Midnight is `days` after the end of a month.
    const midnight = new Date().setUTCHours(24, 0, 0, 0)
    const end = new Date(midnight - 30 * DAY_MS).setUTCDate(1)
    const days = (midnight - end) / DAY_MS
    const before = () => step(Math.floor((midnight - Date.now()) / 1000) - HOUR_SECONDS / 2)
    const after = () => step(Math.floor((midnight - Date.now()) / 1000) + HOUR_SECONDS / 2)
    const pass = async () => {
      const retention = keepRetention({ sql: pool, storage, days, log })
      await retention.first
      await retention.stop()
    }
    const endpoint = '/the/last/of/its/month'
    await sql`
      insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
      values (gen_random_uuid(), ${new Date(end - 1)}, 'GET', ${endpoint}, 200, true)`
    const kept = async () =>
      (await sql`select from audit_log where endpoint = ${endpoint}`).length === 1

    await before()
    await pass()
    expect([await kept(), await readdir(folder)]).toEqual([true, []])
    await after()
    const [expired] = await pool`select month::text from audit_log_expired_months(${days})`
    await pool`
      insert into audit_exports (file, month, rows) values ('exported', ${expired?.month}::text::date, 1)`
    await before()
    const drop = pool`select audit_log_drop_month('exported', ${days})`
    await expect(drop.execute()).rejects.toThrow('the month is not past its time')
    await pass()
    expect([await kept(), await readdir(folder)]).toEqual([true, []])
    await after()
    await pass()
    expect([await kept(), (await readdir(folder)).length]).toEqual([false, 1])
    await step(0)
  })
})
