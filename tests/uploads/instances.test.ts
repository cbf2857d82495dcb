// Uploads in pieces through two instances that have a database and a bucket in common, and no folder.
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { sweep } from '../../src/files/sweep.ts'
import { createLog } from '../../src/log.ts'
import { createQueue } from '../../src/uploads/queue.ts'
import { cytometrist, FILES, fcsBytes } from '../files/kit.ts'
import { type Answer, type TestApp, testApp } from '../kit/app.ts'
import { largeFcs } from '../kit/large-fcs.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { type S3Call, type S3Fault, startFaults } from '../kit/s3-faults.ts'
import { BEST_S3, IS_EXACT } from '../kit/s3-kinds.ts'
import { until } from '../kit/service.ts'
import { bucketStorage } from '../storage/kit.ts'
import { idOf, type Pieces, pieces } from './kit.ts'
import { bucketParts } from './places.ts'

setDefaultTimeout(20_000)

// A piece of 8 MiB, and 1.8 MB.
const large = new Uint8Array(Buffer.concat([...largeFcs(12)]))
const sha256 = createHash('sha256').update(large).digest('hex')
const PREFIX = 'lab/'
const MEGABYTE = 1024 * 1024

let server: S3Server
let proxy: ReturnType<typeof startFaults>
let first: Awaited<ReturnType<typeof instance>>
let second: typeof first
let owner: Awaited<ReturnType<typeof cytometrist>>
let tus: Pieces
let other: Pieces
beforeAll(async () => {
  server = await startS3(BEST_S3)
  proxy = startFaults(server)
  first = await instance()
  second = await instance(first.api)
  owner = await cytometrist(first.api)
  tus = pieces(first.api, owner.bearer)
  other = pieces(second.api, owner.bearer)
  await second.api.app.decorator.finishing.start()
})
afterAll(async () => {
  for (const made of [second, first]) await made.close()
  await proxy.stop()
  await server.stop()
})
beforeEach(() => proxy.fail())

async function instance(beside?: TestApp) {
  const patience = { callMs: 2_000, partMs: 4_000 }
  const bucket = await bucketStorage(server, proxy.endpoint, patience, PREFIX)
  const parts = await bucketParts(server, { endpoint: proxy.endpoint, prefix: PREFIX, patience })
  const shared = beside && {
    sql: beside.pool,
    queue: await createQueue(
      beside.pool,
      createLog('warn', () => {}),
    ),
  }
  const api = await testApp({ storage: bucket.storage, parts: parts.parts, ...shared })
  return {
    ...{ api, bucket, ...parts },
    async close() {
      await api.close()
      await Promise.all([bucket.remove(), parts.remove()])
    },
  }
}

const offset = async (at: string, by = tus) =>
  Number((await by.head(at)).headers.get('upload-offset'))
/** The objects of uploads, and not those of files. */
const keysOf = async (at: string) =>
  (await server.keys()).filter((key) => key.startsWith(`${PREFIX}uploads/${idOf(at)}/`))

/** The file is whole, and all that is left of the upload. */
async function expectWhole(at: string) {
  await owner.get(`${FILES}/${idOf(at)}/progress`)
  const shown = (await owner.get(`${FILES}/${idOf(at)}`)).body.data
  expect(shown).toMatchObject({ status: 'ready', sha256 })
  // Its bytes go once it is a file.
  await until(async () => (await keysOf(at)).length === 0)
  expect(await server.keys()).toContain(`${PREFIX}${idOf(at)}`)
  expect([...(await first.spooled()), ...(await second.spooled())]).toEqual([])
  expect([...(await readdir(first.api.parts)), ...(await readdir(second.api.parts))]).toEqual([])
}
const expectUnavailable = (answer: Answer) => {
  expect(answer.body).toMatchObject({ success: false, error: 'Service Unavailable' })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
}

test('an upload whose pieces go to either of two instances, and break off, is whole', async () => {
  const at = await tus.begun(large.length)
  let here = 0
  for (const [by, to] of [
    [tus, 300],
    [other, 9 * MEGABYTE],
    [tus, 9 * MEGABYTE + 1],
  ] as const) {
    const answer = await by.piece(at, here, large.slice(here, to))
    expect([answer.status, answer.headers.get('upload-offset')]).toEqual([204, `${to}`])
    here = to
  }
  // A line that is dead and not closed, from which its client comes back through the other instance.
  const silent = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(large.slice(here, here + 3000)),
  })
  const given = other.piece(at, here, silent)
  await until(async () => {
    const held = await first.api.sql`
      select from uploads where id = ${idOf(at)} and holder is not null`
    return held.length === 1
  })
  here += 3000
  expect(await offset(at)).toBe(here)
  await given
  expect((await tus.piece(at, here, large.slice(here))).status).toBe(204)
  await expectWhole(at)
})

test('all that came of a piece before it broke off is kept', async () => {
  const at = await tus.begun(large.length)
  let here = 0
  const broken = new Readable({
    highWaterMark: 1,
    read() {
      if (here === 9 * MEGABYTE) return void this.destroy(new Error('cut'))
      this.push(large.slice(here, here + MEGABYTE))
      here += MEGABYTE
    },
  })
  await expect(first.parts.write(broken, idOf(at), 0)).rejects.toThrow('cut')
  expect(await offset(at, other)).toBe(here)
  await other.piece(at, here, large.slice(here))
  await expectWhole(at)
})

test('what an instance stores late takes nothing from what another one has acknowledged', async () => {
  const at = await tus.begun(large.length)
  const late = (from: number, to: number) =>
    second.parts.write(Readable.from([large.slice(from, to)]), idOf(at), from)
  await tus.piece(at, 0, large.slice(0, 5000))
  await tus.piece(at, 5000, large.slice(5000, 9000))
  for (const [from, to] of [
    [0, 4000],
    [5000, 5001],
    [4999, 9000],
    [0, 5000],
  ] as const) {
    await late(from, to)
    expect(await offset(at)).toBe(9000)
  }
  await late(4000, 10_000)
  expect(await offset(at, other)).toBe(10_000)
  await other.piece(at, 10_000, large.slice(10_000))
  await expectWhole(at)
})

test('while S3 is away an upload is 503, and then goes on from what was acknowledged', async () => {
  const at = await tus.begun(large.length)
  const acknowledged = 9 * MEGABYTE
  await tus.piece(at, 0, large.slice(0, acknowledged))
  await server.kill()
  const head = await tus.head(at)
  expect([head.status, head.headers.get('retry-after')]).toEqual([423, '1'])
  expectUnavailable(await other.piece(at, acknowledged, large.slice(acknowledged)))
  expectUnavailable(await tus.end(at))
  await server.start()
  expect(await offset(at, other)).toBe(acknowledged)
  expect((await tus.piece(at, acknowledged, large.slice(acknowledged))).status).toBe(204)
  await expectWhole(at)
})

test('S3 that fails in the middle of a piece ends it with 503, and keeps what it had stored', async () => {
  const at = await tus.begun(large.length)
  const faults: S3Fault[] = [{ answer: 503, code: 'SlowDown' }, 'hang']
  // s3rver checks no checksum.
  if (IS_EXACT) faults.push('corrupt')
  const isSecond = ({ method, path }: S3Call) =>
    method === 'PUT' && !path.includes(`/${'0'.repeat(16)}-`)
  let stored = 0
  for (const fault of faults) {
    proxy.fail((call) => (isSecond(call) ? fault : null))
    expectUnavailable(await tus.piece(at, stored, large.slice(stored)))
    proxy.fail()
    stored = await offset(at, other)
    expect(stored).toBeWithin(8 * MEGABYTE, 9 * MEGABYTE)
  }
  await other.piece(at, stored, large.slice(stored))
  await expectWhole(at)
})

test('the sweep of files takes the pieces of an upload for none of its own', async () => {
  const at = await tus.begun(large.length)
  await tus.piece(at, 0, fcsBytes())
  const events: string[] = []
  const log = createLog('info', (line) => events.push(JSON.parse(line).event))
  await sweep({ sql: first.api.pool, storage: first.bucket.storage, log, graceSeconds: 0 })
  expect(events).toEqual([])
  expect(await offset(at)).toBe(fcsBytes().length)
  await tus.end(at)
  expect(await keysOf(at)).toEqual([])
})
