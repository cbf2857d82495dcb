import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import type { ChannelStatistics } from '../../src/fcs/index.ts'
import { integers } from '../kit/fcs-examples.ts'
import { scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'
import { randomNumbers } from '../kit/random.ts'

/** The same measures from all values at once: sorted, and in two passes. */
function naive(values: ArrayLike<number>) {
  const finite = Array.from(values).filter(Number.isFinite)
  const sorted = finite.toSorted((a, b) => a - b)
  const count = finite.length
  const at = (i: number) => (sorted[i] ?? Number.NaN) + 0
  const mean = finite.reduce((sum, value) => sum + value, 0) / count
  const squares = finite.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const half = Math.floor(count / 2)
  return {
    ...{ count, nonFinite: values.length - count, min: at(0), max: at(count - 1), mean },
    median: count % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2 + 0,
    std: Math.sqrt(squares / count),
  }
}

function expectRight(actual: ChannelStatistics | undefined, values: ArrayLike<number>): void {
  if (!actual) throw new Error('no statistics for the channel')
  const expected = naive(values)
  const { min, max, mean, median, std, count, non_finite } = actual
  expect([count, non_finite]).toEqual([expected.count, expected.nonFinite])
  if (count === 0) {
    expect([min, max, mean, median, std]).toEqual([null, null, null, null, null])
    return
  }
  expect([min, max, median]).toEqual([expected.min, expected.max, expected.median])
  const scale = Math.max(Math.abs(expected.min), Math.abs(expected.max))
  // Squares of numbers this small are 0 in float64.
  const tolerance = Math.max(1e-12 * scale, 1e-150)
  expect(Math.abs((mean ?? Number.NaN) - expected.mean)).toBeLessThanOrEqual(tolerance)
  expect(Math.abs((std ?? Number.NaN) - expected.std)).toBeLessThanOrEqual(tolerance)
}

async function expectAllRight(spec: FcsSpec, chunkLengths: number[] = []): Promise<void> {
  const { statistics } = await scanFile(writeFcs(spec), chunkLengths)
  for (const [i, column] of spec.columns.entries()) {
    expectRight(statistics[i], Array.from(column, Number))
  }
}

/** Any bits at all: NaNs of every kind, infinities, -0 and denormals among them. */
const float32 = fc
  .array(fc.oneof(fc.integer(), fc.constantFrom(0, -0x80000000, 1, 0x7f800000, 0x7fc00000)))
  .map((words) => new Float32Array(Int32Array.from(words).buffer))
const float64 = fc.array(
  fc.oneof(
    fc.double({ min: -1e100, max: 1e100 }),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0, 5e-324, -5e-324),
  ),
)
const chunkLengths = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 })

describe('statistics equal those of all values at once', () => {
  test('for any float32 values in any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(float32, chunkLengths, async (values, lengths) => {
        const columns = [values, values.toReversed()]
        await expectAllRight({ parameters: [{ name: 'A' }, { name: 'B' }], columns }, lengths)
      }),
      { numRuns: 300 },
    )
  })

  test('for any float64 values in any chunks', async () => {
    await fc.assert(
      fc.asyncProperty(float64, chunkLengths, async (values, lengths) => {
        const spec: FcsSpec = { datatype: 'D', parameters: [{ name: 'A' }], columns: [values] }
        await expectAllRight(spec, lengths)
      }),
      { numRuns: 300 },
    )
  })

  for (const bits of [16, 32]) {
    test(`for any integers of ${bits} bits in any chunks`, async () => {
      const values = fc.array(fc.integer({ min: 0, max: 2 ** bits - 1 }))
      await fc.assert(
        fc.asyncProperty(values, chunkLengths, async (column, lengths) => {
          await expectAllRight(integers(bits, 2 ** bits, [column]), lengths)
        }),
        { numRuns: 200 },
      )
    })
  }

  const orders = fc.constantFrom<'little' | 'big'>('little', 'big')
  const widths = fc.array(fc.constantFrom(8, 16, 24, 32, 40, 48, 56, 64), { minLength: 1 })

  test('for integers of any widths in any chunks', async () => {
    const seeds = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(widths, seeds, orders, chunkLengths, async (bits, seeds, order, lengths) => {
        const parameters = bits.map((bits, i) => ({
          name: `C${i}`,
          bits,
          range: 2n ** BigInt(bits),
        }))
        const columns = bits.map((bits) => seeds.map((seed) => BigInt.asUintN(bits, seed)))
        await expectAllRight({ datatype: 'I', byteOrder: order, parameters, columns }, lengths)
      }),
      { numRuns: 200 },
    )
  })

  test('for types of their own (FCS 3.2), and for text', async () => {
    const rows = fc.array(fc.tuple(fc.nat(), fc.float(), fc.double({ min: -1e100, max: 1e100 })))
    await fc.assert(
      fc.asyncProperty(rows, orders, chunkLengths, async (rows, byteOrder, lengths) => {
        const parameters = (['I', 'F', 'D'] as const).map((datatype, i) => ({
          ...{ name: `C${i}`, datatype, range: 2 ** 32 },
        }))
        const columns = parameters.map((_, i) => rows.map((row) => row[i] ?? Number.NaN))
        await expectAllRight({ version: 'FCS3.2', byteOrder, parameters, columns }, lengths)
        const text = [{ name: 'A', keywords: { B: '*' } }]
        await expectAllRight(
          { datatype: 'A', parameters: text, columns: [rows.map(([whole]) => whole)] },
          lengths,
        )
      }),
      { numRuns: 200 },
    )
  })

  // The width of the median's digits, and with it the number of passes, follows the channels.
  const shapes = [
    { channels: 1, events: 30_000 },
    { channels: 26, events: 10_001 },
    { channels: 65, events: 1000 },
    { channels: 2049, events: 20 },
  ]
  const types: Pick<FcsSpec, 'datatype' | 'byteOrder'>[] = [
    { datatype: 'F', byteOrder: 'little' },
    { datatype: 'F', byteOrder: 'big' },
    { datatype: 'D', byteOrder: 'big' },
    { datatype: 'I', byteOrder: 'little' },
  ]
  for (const { channels, events } of shapes) {
    for (const type of types) {
      test(`for ${events} events of ${channels} channels, ${type.byteOrder} ${type.datatype}`, async () => {
        const random = randomNumbers(channels)
        const columns = Array.from({ length: channels }, (_, channel) =>
          Float32Array.from({ length: events }, (_, event) => {
            const value = 10 ** (random() * 5) + channel
            if (type.datatype === 'I') return Math.round(value)
            return event % 97 === 0 ? Number.NaN : value - 5000 + event
          }),
        )
        const parameters = columns.map((_, i) => ({ name: `C${i}` }))
        await expectAllRight({ ...type, parameters, columns }, [100_003])
      })
    }
  }
})
