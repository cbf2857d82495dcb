// What a storage asks of its S3 server, and how often.
import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from 'bun:test'
import { s3Calls } from '../../src/storage/s3-calls.ts'
import { PART_BYTES } from '../../src/storage/s3-staged.ts'
import { StorageUnavailable } from '../../src/storage/storage.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { type S3Call, startFaults } from '../kit/s3-faults.ts'
import { BEST_S3 } from '../kit/s3-kinds.ts'
import { bucketStorage, bytesOf, keep, write } from './kit.ts'

setDefaultTimeout(20_000)

let server: S3Server
let proxy: ReturnType<typeof startFaults>
let bucket: Awaited<ReturnType<typeof bucketStorage>>
beforeAll(async () => {
  server = await startS3(BEST_S3)
  proxy = startFaults(server)
  bucket = await bucketStorage(server, proxy.endpoint, { callMs: 5_000, partMs: 500 })
})
afterAll(async () => {
  await proxy.stop()
  await server.stop()
  await bucket.remove()
})
beforeEach(() => {
  proxy.fail()
  proxy.calls.length = 0
})

test.each([
  ['has', () => bucket.storage.has('a')],
  ['read', () => bucket.storage.source('a', 10).read(0, 10)],
  ['remove', () => bucket.storage.remove('a')],
  ['tidy', () => bucket.storage.tidy(0)],
])('what fails is tried three times and no more: %s', async (_, work) => {
  proxy.fail(() => ({ answer: 500, code: 'InternalError' }))
  await expect(work()).rejects.toThrow(StorageUnavailable)
  expect(proxy.calls).toHaveLength(3)
})

test('what S3 refuses is no file that is not there', async () => {
  proxy.fail(() => ({ answer: 403, code: 'AccessDenied' }))
  await expect(bucket.storage.has('a')).rejects.toThrow(StorageUnavailable)
  await expect(bucket.storage.source('a', 10).read(0, 10)).rejects.toThrow(StorageUnavailable)
})

test('two parts of a file are in memory at a time, and no more are sent once one has failed', async () => {
  const numbers = () => proxy.calls.flatMap(({ query }) => query.get('partNumber') ?? [])
  proxy.fail(({ query }) => (query.has('partNumber') ? 'hang' : null))
  const staged = await bucket.storage.stage(crypto.randomUUID())
  await expect(write(staged, bytesOf(5 * PART_BYTES))).rejects.toThrow(StorageUnavailable)
  await expect(staged.commit()).rejects.toThrow(StorageUnavailable)
  expect(numbers().toSorted()).toEqual(['1', '2'])
  await staged.discard()
})

test('a server that lists no uploads under way has none to end', async () => {
  const lists = ({ query }: S3Call) => query.has('uploads')
  proxy.fail((call) => (lists(call) ? { answer: 501, code: 'NotImplemented' } : null))
  expect(await bucket.storage.tidy(0)).toBe(0)
  expect(proxy.calls.some(lists)).toBe(true)
})

test('keys are listed to the last page, of those that begin so, and no further', async () => {
  const lab = s3Calls({ ...server.settings, endpoint: proxy.endpoint })
  const keys = ['1', '2', '3', '4', '5'].map((name) => `lab/${name}`)
  for (const key of [...keys, 'other/1']) await lab.put(key, bytesOf(10))
  // A server that gives two at a time, and never says that these were the last.
  const paged = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch({ url }) {
      const { searchParams } = new URL(url)
      const after = searchParams.get('start-after') ?? ''
      const page = await lab.list(searchParams.get('prefix') ?? '', after || undefined, 2)
      const contents = page.keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('')
      return new Response(
        `<ListBucketResult><IsTruncated>true</IsTruncated>${contents}</ListBucketResult>`,
      )
    },
  })
  const s3 = s3Calls({ ...server.settings, endpoint: paged.url.origin })
  expect(await Array.fromAsync(s3.keys('lab/'))).toEqual([
    keys.slice(0, 2),
    keys.slice(2, 4),
    keys.slice(4),
    [],
  ])
  await paged.stop(true)
  for (const key of [...keys, 'other/1']) await lab.remove(key)
})

test('a storage with a prefix keeps its files under it, and lists and ends no others', async () => {
  const lab = await bucketStorage(server, proxy.endpoint, undefined, 'lab/')
  const other = await bucketStorage(server, proxy.endpoint, undefined, 'bio/')
  const [mine, others] = [
    await keep(lab.storage, bytesOf(10)),
    await keep(other.storage, bytesOf(10)),
  ]
  expect((await server.keys()).toSorted()).toEqual([`bio/${others}`, `lab/${mine}`])
  expect((await Array.fromAsync(lab.storage.list())).flat()).toEqual([mine])
  const underWay = await other.storage.stage(crypto.randomUUID())
  await write(underWay, bytesOf(PART_BYTES + 1))
  expect(await lab.storage.tidy(0)).toBe(0)
  await underWay.commit()
  await lab.remove()
  await other.remove()
})

/** An S3 server that answers every read with this, and no length beforehand. */
async function readFrom(bytes: Uint8Array<ArrayBuffer>, isOver: boolean) {
  const gone = Promise.withResolvers<void>()
  const odd = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(bytes)
            if (isOver) controller.close()
          },
          cancel: () => gone.resolve(),
        }),
      ),
  })
  const patience = { callMs: 300, partMs: 300 }
  const s3 = s3Calls({ ...server.settings, endpoint: odd.url.origin }, patience)
  return { read: s3.get('a', 0, 1000), gone: gone.promise, stop: () => odd.stop(true) }
}

test.each([
  ['fewer', 999],
  ['more', 1001],
])('%s bytes than were asked for are none', async (_, length) => {
  const { read, stop } = await readFrom(bytesOf(length), true)
  await expect(read).rejects.toThrow(StorageUnavailable)
  await stop()
})

test('a connection on which nothing more comes is closed', async () => {
  const { read, gone, stop } = await readFrom(bytesOf(999), false)
  await expect(read).rejects.toThrow(StorageUnavailable)
  await gone
  await stop()
})
