// The whole app on a real S3 server, behind a proxy that fails.
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { sweep } from '../../src/files/sweep.ts'
import { createLog } from '../../src/log.ts'
import { cytometrist, FILES, fcsBytes, inPieces, part, RAW, UPLOAD } from '../files/kit.ts'
import { type Answer, type TestApp, testApp } from '../kit/app.ts'
import { largeFcs } from '../kit/large-fcs.ts'
import { listen } from '../kit/raw-http.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { type S3Call, type S3Fault, startFaults } from '../kit/s3-faults.ts'
import { BEST_S3, IS_EXACT } from '../kit/s3-kinds.ts'
import { until } from '../kit/service.ts'
import { bucketStorage } from './kit.ts'

setDefaultTimeout(20_000)

// Three parts of a file: 20 MB.
const large = new Uint8Array(Buffer.concat([...largeFcs(24)]))
const small = fcsBytes()

let server: S3Server
let proxy: ReturnType<typeof startFaults>
let bucket: Awaited<ReturnType<typeof bucketStorage>>
let api: TestApp
/** For what never answers: the same service, which waits for less. */
let hastyBucket: typeof bucket
let hasty: TestApp
let me: Awaited<ReturnType<typeof cytometrist>>
beforeAll(async () => {
  server = await startS3(BEST_S3)
  proxy = startFaults(server)
  bucket = await bucketStorage(server, proxy.endpoint)
  api = await testApp({ storage: bucket.storage })
  hastyBucket = await bucketStorage(server, proxy.endpoint, { callMs: 300, partMs: 600 })
  hasty = await testApp({ sql: api.pool, storage: hastyBucket.storage })
  me = await cytometrist(api)
})
afterAll(async () => {
  await hasty.close()
  await api.close()
  await proxy.stop()
  await server.stop()
  await bucket.remove()
  await hastyBucket.remove()
})
beforeEach(() => proxy.fail())

const upload = (body: Uint8Array<ArrayBuffer> | ReadableStream, app = api) =>
  app.call('POST', `${UPLOAD}?filename=a.fcs`, { bearer: me.bearer, body, headers: RAW })
const rows = async () => (await api.sql`select id from fcs_files`).length

/** Nothing is kept, also not in the log. What s3rver has of uploads in parts it does not tell. */
const expectNothingKept = async () => {
  expect(await server.keys()).toEqual([])
  if (IS_EXACT) expect(await server.uploads()).toEqual([])
  expect(await bucket.spooled()).toEqual([])
  expect(await rows()).toBe(0)
  const { accessKeyId, secretAccessKey } = server.settings
  for (const secret of [accessKeyId, secretAccessKey, 'hush', 'Signature='])
    expect(api.lines.join('')).not.toContain(secret)
}
const expectUnavailable = (answer: Answer) => {
  expect(answer.body).toEqual({
    success: false,
    error: 'Service Unavailable',
    message: 'The storage of files does not answer',
  })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1'])
}
const remove = (answer: Answer) =>
  api.call('DELETE', answer.headers.get('location') ?? '', { bearer: me.bearer })

const at = {
  begin: ({ method, query }: S3Call) => method === 'POST' && query.has('uploads'),
  part: ({ query }: S3Call) => query.get('partNumber') === '2',
  complete: ({ method, query }: S3Call) => method === 'POST' && query.has('uploadId'),
  put: ({ method, query }: S3Call) => method === 'PUT' && !query.has('uploadId'),
  get: ({ method, query }: S3Call) => method === 'GET' && query.get('x-id') === 'GetObject',
  remove: ({ method, query }: S3Call) => method === 'DELETE' && !query.has('uploadId'),
}
const STEPS: [keyof typeof at, Uint8Array<ArrayBuffer>][] = [
  ['put', small],
  ['begin', large],
  ['part', large],
  ['complete', large],
]
const FAULTS: [string, S3Fault][] = [
  ['answers 500', { answer: 500, code: 'InternalError' }],
  ['answers 503', { answer: 503, code: 'ServiceUnavailable' }],
  ['refuses the keys', { answer: 403, code: 'SignatureDoesNotMatch' }],
  ['never answers', 'hang'],
  ['does it and loses the answer', 'lose'],
]

test.each(STEPS.flatMap(([step, file]) => FAULTS.map((fault) => [step, ...fault, file] as const)))(
  'an upload is 503 and leaves nothing when S3 at %s %s, and the next one is kept',
  async (step, _, fault, file) => {
    proxy.fail((call) => (at[step](call) ? fault : null))
    const isSilent = typeof fault === 'string'
    expectUnavailable(await upload(file, isSilent ? hasty : api))
    proxy.fail()
    // Who does not wait for the server leaves it to the sweep to end what it goes on with.
    if (isSilent) await bucket.storage.tidy(0)
    await expectNothingKept()
    const answer = await upload(small)
    expect(answer.status).toBe(201)
    expect((await remove(answer)).status).toBe(200)
    await expectNothingKept()
  },
)

test.each([
  ['its disk', 507, 'XMinioStorageFull'],
  ['its quota', 403, 'QuotaExceeded'],
])('an upload is 507 and leaves nothing when S3 says that %s is full', async (_, status, code) => {
  for (const [step, file] of STEPS) {
    proxy.fail((call) => (at[step](call) ? { answer: status, code } : null))
    const answer = await upload(file)
    expect([answer.status, answer.body.message]).toEqual([507, 'The storage is full'])
    await expectNothingKept()
  }
})

test('an upload passes when S3 fails once at each step', async () => {
  const failed = new Set<string>()
  proxy.fail(({ method, path, query }) => {
    const call = [method, path, ...query.keys(), query.get('partNumber')].join()
    if (failed.has(call)) return null
    failed.add(call)
    return { answer: 503, code: 'SlowDown' }
  })
  const answer = await upload(large)
  expect(answer.status).toBe(201)
  expect(failed.size).toBeGreaterThan(4)
  const path = `${answer.headers.get('location')}/download`
  const download = await api.app.handle(api.request('GET', path, { bearer: me.bearer }))
  expect(Buffer.compare(await download.bytes(), large)).toBe(0)
  await remove(answer)
})

// s3rver takes whatever comes.
test.skipIf(!IS_EXACT)(
  'bytes that change on their way to S3 are not kept: each part has its checksum',
  async () => {
    for (const [step, file] of [
      ['put', small],
      ['part', large],
    ] as const) {
      proxy.fail((call) => (at[step](call) ? 'corrupt' : null))
      expectUnavailable(await upload(file))
      await expectNothingKept()
      proxy.fail()
      const kept = await upload(file)
      expect(await server.checksum(kept.body.data.file_id)).toBeString()
      await remove(kept)
    }
  },
)

let pages = 0
test.each([...FAULTS.slice(0, 4), ['breaks off in the middle', 'stall'] as [string, S3Fault]])(
  'what reads a file is 503 when S3 %s, and works again by itself',
  async (_, fault) => {
    const stored = await upload(large)
    const id = stored.body.data.file_id
    // A page that nobody has asked for before.
    const events = `/api/v1/fcs/events?file_id=${id}&offset=${++pages}`
    const paths = [events, `${FILES}/${id}/download`]
    for (const path of paths) {
      proxy.fail((call) => (at.get(call) ? fault : null))
      const app = typeof fault === 'string' ? hasty : api
      expectUnavailable(await app.call('GET', path, { bearer: me.bearer }))
      proxy.fail()
      expect((await me.get(path, { range: 'bytes=0-99' })).status).toBeLessThan(300)
    }
    await remove(stored)
    await expectNothingKept()
  },
)

test('a file is deleted for its owner though S3 is away, and its bytes go later', async () => {
  const stored = await upload(small)
  proxy.fail((call) => (at.remove(call) ? { answer: 500, code: 'InternalError' } : null))
  expect((await remove(stored)).status).toBe(200)
  expect(await server.keys()).toEqual([stored.body.data.file_id])
  proxy.fail()
  await api.sql`update fcs_leftovers set since = since - interval '61 minutes'`
  await sweep({ sql: api.pool, storage: bucket.storage, log: createLog('warn') })
  expect(await api.sql`select id from fcs_leftovers`).toBeEmpty()
  await expectNothingKept()
})

/** Bytes of a body that come when they are asked for, and wait in the middle until they may go on. */
function halted(bytes: Uint8Array) {
  const { promise: goOn, resolve } = Promise.withResolvers<void>()
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at > bytes.length / 2) await goOn
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.slice(at, at + 100_000))
      at += 100_000
    },
  })
  return { body, goOn: resolve }
}
const partsSent = () => proxy.calls.filter(({ query }) => query.has('partNumber')).length

test('S3 that is killed in the middle of an upload is a 503 without a row, and uploads go on when it is back', async () => {
  const { body, goOn } = halted(large)
  const before = partsSent()
  const answer = upload(body)
  await until(async () => partsSent() > before)
  await server.kill()
  goOn()
  expectUnavailable(await answer)
  expect(await rows()).toBe(0)
  expectUnavailable(await upload(small))
  await server.start()
  const next = await upload(large)
  expect(next.status).toBe(201)
  await remove(next)
  // The upload that the server took with it waits for the sweep.
  if (IS_EXACT) while ((await server.uploads()).length > 0) await bucket.storage.tidy(0)
  await expectNothingKept()
})

test.each([
  ['raw', ['Content-Type: application/octet-stream'], large.slice(0, 12_000_000)],
  [
    'in a form',
    ['Content-Type: multipart/form-data; boundary=XX'],
    part('name="file"; filename="a.fcs"', large.slice(0, 12_000_000)),
  ],
])(
  'a client that goes in the middle of an upload %s leaves nothing in S3',
  async (_, type, sent) => {
    const served = listen(api)
    const before = partsSent()
    const { socket } = await served.open()
    const head = [`POST ${UPLOAD}?filename=a.fcs HTTP/1.1`, 'Host: test.local', ...type]
      .concat(`Authorization: Bearer ${me.bearer}`, `Content-Length: ${large.length}`)
      .join('\r\n')
    const bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`), sent])
    for (let at = 0; at < bytes.length; ) {
      const written = socket.write(bytes.subarray(at, at + 1_000_000))
      if (written <= 0) await Bun.sleep(1)
      else at += written
    }
    await until(async () => partsSent() > before)
    socket.terminate()
    await served.first
    expect((await served.handled[0])?.status).toBe(400)
    await expectNothingKept()
    await served.close()
  },
)

test('a file that can’t be FCS, or is too much of one, leaves nothing in S3', async () => {
  const noFcs = large.slice()
  noFcs.fill(0, 0, 10)
  expect((await upload(inPieces(noFcs, 1_000_000))).status).toBe(422)
  expect((await upload(inPieces(large.slice(0, -1), 1_000_000))).status).toBe(422)
  const endless = new Uint8Array(65 * 1024 * 1024)
  endless.set(large.slice(0, 5_000_000))
  expect([413, 422]).toContain((await upload(inPieces(endless, 1_000_000))).status)
  await expectNothingKept()
})
