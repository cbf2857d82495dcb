import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { createScan, readEvents } from '../../src/fcs/index.ts'
import { integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { bytesSource, readAll, scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

describe('a file written is the file read back', () => {
  const layout = fc.record({
    byteOrder: fc.constantFrom('little' as const, 'big' as const),
    gap: fc.integer({ min: 0, max: 9 }),
    textAfterData: fc.boolean(),
    delimiter: fc.constantFrom('|', '/', '\f'),
    version: fc.constantFrom('FCS2.0', 'FCS3.0', 'FCS3.1', 'FCS3.2'),
  })
  const chunkLengths = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 })
  const kinds: [string, 'F' | 'D' | 'I', number, fc.Arbitrary<number>][] = [
    ['float32', 'F', 32, fc.float()],
    ['float64', 'D', 64, fc.double()],
    ['16-bit integers', 'I', 16, fc.integer({ min: 0, max: 2 ** 16 - 1 })],
    ['32-bit integers', 'I', 32, fc.integer({ min: 0, max: 2 ** 32 - 1 })],
  ]
  for (const [name, datatype, bits, value] of kinds) {
    test(`${name}, in any layout and any chunks, and chunks change nothing`, async () => {
      const table = fc
        .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 20 }))
        .chain(([channels, events]) =>
          fc.array(fc.array(value, { minLength: channels, maxLength: channels }), {
            minLength: events,
            maxLength: events,
          }),
        )
        .filter((rows) => rows.length > 0)
      await fc.assert(
        fc.asyncProperty(table, layout, chunkLengths, async (rows, where, lengths) => {
          const columns = (rows[0] ?? []).map((_, channel) => rows.map((row) => row[channel] ?? -1))
          const parameters = columns.map((_, i) => ({ name: `C${i}`, bits }))
          const file = writeFcs({ ...where, datatype, parameters, columns })
          const whole = await scanFile(file)
          expect(await readAll(file, whole.description)).toEqual(rows)
          expect(await scanFile(file, lengths)).toEqual(whole)
        }),
        { numRuns: 150 },
      )
    })
  }
})

describe('pages of events', () => {
  const file = writeFcs(small)

  async function page(offset: number, limit: number, columns: number[]) {
    const { description } = await scanFile(file)
    return readEvents(bytesSource(file), description, { offset, limit, columns })
  }

  test('hold the wanted channels, in the order they are asked for', async () => {
    expect(await page(1, 2, [2, 0])).toEqual([
      Float32Array.of(3.75, 8.5),
      Float32Array.of(100, -0.25),
    ])
  })

  test('end with the last event, and are empty after it', async () => {
    expect(await page(4, 100, [0])).toEqual([Float32Array.of(4)])
    expect(await page(5, 100, [0, 1])).toEqual([new Float32Array(), new Float32Array()])
    expect(await page(1e9, 100, [0])).toEqual([new Float32Array()])
    expect(await page(0, 0, [0])).toEqual([new Float32Array()])
  })

  test('outside the table are refused', async () => {
    for (const [offset, limit, channel] of [
      [-1, 1, 0],
      [0, -1, 0],
      [0, 1, 3],
      [0, 1, -1],
      [0, 1, 0.5],
    ] as const) {
      await expect(page(offset, limit, [channel])).rejects.toBeInstanceOf(RangeError)
    }
  })

  test('have the type in which the file stores the values', async () => {
    const specs: [FcsSpec, string][] = [
      [small, 'Float32Array'],
      [{ ...small, datatype: 'D' }, 'Float64Array'],
      [integers(16, 1024, [[1]]), 'Uint16Array'],
      [integers(32, 1024, [[1]]), 'Uint32Array'],
    ]
    for (const [spec, type] of specs) {
      const bytes = writeFcs(spec)
      const { description } = await scanFile(bytes)
      const wanted = { offset: 0, limit: 1, columns: [0] }
      const [column] = await readEvents(bytesSource(bytes), description, wanted)
      expect(column?.constructor.name).toBe(type)
    }
  })

  test('cost one read, of their own bytes only', async () => {
    const { description } = await scanFile(file)
    const reads: [number, number][] = []
    const source = bytesSource(file)
    const counted = {
      size: source.size,
      read: (offset: number, length: number) => {
        reads.push([offset, length])
        return source.read(offset, length)
      },
    }
    await readEvents(counted, description, { offset: 1, limit: 2, columns: [0, 2] })
    expect(reads).toEqual([[description.data.offset + 12, 24]])
  })

  test('need nothing but the description, which JSON keeps whole', async () => {
    const { description } = await scanFile(file)
    const kept = JSON.parse(JSON.stringify(description))
    expect(kept).toEqual(description)
    expect(await readAll(file, kept)).toEqual(smallEvents)
  })
})

test('events after TEXT are measured as they pass, those before it when the file is stored', async () => {
  const spec = integers(16, 65536, [[3, 1, 2]])
  const reads = async (textAfterData: boolean) => {
    const bytes = writeFcs({ ...spec, textAfterData })
    const scan = createScan()
    for (let at = 0; at < bytes.length; at += 60) scan.push(bytes.slice(at, at + 60))
    let count = 0
    const source = bytesSource(bytes)
    await scan.finish({
      size: source.size,
      read: (...at) => source.read(...at).finally(() => count++),
    })
    return count
  }
  expect(await reads(false)).toBe(0)
  expect(await reads(true)).toBe(1)
})
