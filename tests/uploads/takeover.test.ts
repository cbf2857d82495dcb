// What becomes of an upload whose instance dies while it makes the file.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { createHash } from 'node:crypto'
import type { Sql } from 'postgres'
import { connect } from '../../src/db.ts'
import { FILES, fcsBytes } from '../files/kit.ts'
import { client, fcsToken, logIn } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, service, until } from '../kit/service.ts'
import { named, PIECE, UPLOADS } from './kit.ts'

setDefaultTimeout(30_000)

const made = folders()
let database: Awaited<ReturnType<typeof createDatabase>>
let sql: Sql
let env: Record<string, string>
beforeAll(async () => {
  database = await createDatabase()
  sql = connect(database.url).sql
  env = {
    DATABASE_URL: database.url,
    DATA_DIR: await made.create(),
    SECRET_KEY: 'one key for all of the instances here',
    RATE_LIMIT_PER_MINUTE: '0',
  }
})
afterAll(async () => {
  await sql.end()
  await database.drop()
  await made.remove()
})

test('an upload whose instance is killed while it makes the file is made a file by another one', async () => {
  const first = await service(await made.create(), env)
  const { token: bearer } = await fcsToken(
    client(first.url),
    await logIn(client(first.url), 'owner'),
  )
  const body = fcsBytes()

  const held = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const holding = sql.begin(async (tx) => {
    await tx`lock table fcs_files in exclusive mode`
    locked.resolve()
    await held.promise
  })
  await locked.promise
  const begun = await client(first.url)('POST', UPLOADS, {
    bearer,
    headers: { ...PIECE, 'upload-length': String(body.length), 'upload-metadata': named('a.fcs') },
    body,
  })
  expect(begun.status).toBe(201)
  const id = begun.headers.get('location')?.split('/').pop()
  // Its bytes are stored by now, and its row is all that is missing.
  await until(async () => {
    const waiting = await sql`
      select from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into fcs_files%'
        and datname = current_database()`
    return waiting.length === 1
  })

  const second = await service(await made.create(), env)
  const call = client(second.url)
  first.signal('SIGKILL')
  await first.closed
  held.resolve()
  await holding
  const show = () => call('GET', `${FILES}/${id}`, { bearer })
  expect((await show()).body.data).toMatchObject({ status: 'processing', filename: 'a.fcs' })

  // As if the ten seconds had passed after which an instance that is silent counts as dead.
  await sql`update public_jobs.job set heartbeat_on = heartbeat_on - interval '10 seconds' where state = 'active'`
  const followed = await call('GET', `${FILES}/${id}/progress`, { bearer })
  expect(followed.text).toEndWith('{"status":"ready","progress":1,"failure":null}\n\n')
  expect((await show()).body.data).toMatchObject({
    status: 'ready',
    sha256: createHash('sha256').update(body).digest('hex'),
  })
  expect(await sql`select state from uploads`).toMatchObject([{ state: 'ready' }])
  expect(await second.end()).toBe(0)
})
