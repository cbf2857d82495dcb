// What a storage does, whichever it is: the local disk, and real S3 servers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import fc from 'fast-check'
import { PART_BYTES } from '../../src/storage/s3-staged.ts'
import { BytesLost } from '../../src/storage/storage.ts'
import { until } from '../kit/service.ts'
import { bytesOf, KINDS, keep, type Place, place, readAll, write } from './kit.ts'

setDefaultTimeout(20_000)

const SIZES = [
  ['one byte', 1],
  ['less than a part', 100_000],
  ['a part to the byte', PART_BYTES],
  ['a part and a byte', PART_BYTES + 1],
  ['three parts and some', 3 * PART_BYTES + 12_345],
] as const

describe.each(KINDS)('a storage on %s', (kind) => {
  let at: Place
  beforeAll(async () => {
    at = await place(kind)
  })
  afterAll(() => at.remove())

  test.each(SIZES)(
    'gives a file of %s back as it was written, on any instance',
    async (_, size) => {
      const bytes = bytesOf(size)
      const id = await keep(at.storage, bytes)
      expect(await at.names()).toContain(id)
      expect(Buffer.compare(await readAll(at.storage, id, size, size), bytes)).toBe(0)
      if (size > 1) expect(Buffer.compare(await readAll(at.other, id, size), bytes)).toBe(0)
      await at.storage.remove(id)
      expect(await at.names()).toEqual([])
    },
  )

  test('gives any range of a file, in any order', async () => {
    const bytes = bytesOf(2 * PART_BYTES)
    const id = await keep(at.storage, bytes)
    const source = at.other.source(id, bytes.length)
    // s3rver takes the range 0-0 for one without an end.
    const range = fc.tuple(fc.nat(bytes.length - 2), fc.integer({ min: 2, max: 3_000_000 }))
    await fc.assert(
      fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 4 }), async (ranges) => {
        for (const [offset, length] of ranges) {
          const end = Math.min(bytes.length, offset + length)
          // The second follows the first, which is when a storage may read ahead.
          for (const from of [offset, end]) {
            const wanted = bytes.subarray(from, Math.min(bytes.length, from + end - offset))
            if (wanted.length < 2) continue
            const read = await source.read(from, wanted.length)
            expect(Buffer.compare(read, wanted)).toBe(0)
          }
        }
      }),
      { numRuns: 20 },
    )
    await at.storage.remove(id)
  })

  test.each([
    ['small', 1000],
    ['of several parts', 2 * PART_BYTES + 5],
  ])(
    'shows a file that is %s to nobody before it is committed, and reads it back meanwhile',
    async (_, size) => {
      const bytes = bytesOf(size)
      const id = crypto.randomUUID()
      const staged = await at.storage.stage(id)
      await write(staged, bytes)
      expect(await at.other.has(id)).toBe(false)
      const source = staged.source()
      expect(source.size).toBe(size)
      for (const offset of [0, 1, size - 100]) {
        expect(await source.read(offset, 100)).toEqual(bytes.slice(offset, offset + 100))
      }
      await staged.commit()
      expect(await at.other.has(id)).toBe(true)
      await at.storage.remove(id)
    },
  )

  test.each([
    ['of nothing', 0],
    ['small', 1000],
    ['of several parts', 2 * PART_BYTES + 5],
  ])('leaves nothing of a discarded file, %s', async (_, size) => {
    const staged = await at.storage.stage(crypto.randomUUID())
    await write(staged, bytesOf(size))
    await staged.discard()
    expect(await at.names()).toEqual([])
  })

  test('says of bytes that are not there that they are lost, and removes them without complaint', async () => {
    const id = await keep(at.storage, bytesOf(1000))
    await at.other.remove(id)
    await at.other.remove(id)
    expect(await at.storage.has(id)).toBe(false)
    await expect(at.storage.source(id, 1000).read(0, 10)).rejects.toThrow(BytesLost)
  })

  test('says of bytes that are fewer than they were that they are lost', async () => {
    const id = await keep(at.storage, bytesOf(1000))
    await expect(at.storage.source(id, 2000).read(990, 100)).rejects.toThrow(BytesLost)
    await expect(at.storage.source(id, 2000).read(1500, 100)).rejects.toThrow(BytesLost)
    await at.storage.remove(id)
  })

  test('takes the same id from two at once, and has one whole file', async () => {
    const id = crypto.randomUUID()
    const bytes = bytesOf(PART_BYTES + 100)
    const [one, two] = [await at.storage.stage(id), await at.other.stage(id)]
    await Promise.all([write(one, bytes), write(two, bytes)])
    await one.commit()
    await two.discard()
    expect(Buffer.compare(await readAll(at.storage, id, bytes.length), bytes)).toBe(0)
    await at.storage.remove(id)
    expect(await at.names()).toEqual([])
  })

  test('lists what is kept in the order of ids, and nothing that is under way', async () => {
    const kept = await Promise.all(Array.from({ length: 12 }, () => keep(at.storage, bytesOf(10))))
    const staged = await at.storage.stage(crypto.randomUUID())
    await write(staged, bytesOf(PART_BYTES + 1))
    // What has no id is somebody else's.
    const notes = await at.storage.stage('notes.txt')
    await write(notes, bytesOf(10))
    await notes.commit()
    expect((await Array.fromAsync(at.other.list())).flat()).toEqual(kept.toSorted())
    await staged.discard()
    await at.storage.remove('notes.txt')
    await Promise.all(kept.map((id) => at.storage.remove(id)))
  })

  // s3rver can't list what was begun.
  test.skipIf(kind === 's3rver')(
    'takes away what a crash has left of an upload once it is old',
    async () => {
      const crashed = await at.storage.stage(crypto.randomUUID())
      await write(crashed, bytesOf(PART_BYTES + 1))
      expect(await at.names()).toHaveLength(1)
      expect(await at.other.tidy()).toBe(0)
      expect(await at.names()).toHaveLength(1)
      expect(await at.other.tidy(0)).toBe(1)
      // A part that was under way may have come after that.
      await until(async () => (await at.names()).length + (await at.other.tidy(0)) === 0)
      await expect(crashed.commit()).rejects.toThrow()
      // Else the file that it holds open would be closed by the collection of garbage, which is an error.
      await crashed.discard()
    },
  )
})
