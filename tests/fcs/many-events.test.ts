import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { compiledKernels } from '../../scripts/kernels.ts'
import { COMPILED } from '../../src/fcs/float32/compiled.ts'
import { createScan } from '../../src/fcs/index.ts'
import { bytesSource, scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'
import { randomNumbers } from '../kit/random.ts'

const EVENTS = 420_000

/** More values than are kept of a channel, in orders that are easy and hard to sample. */
const columns: Record<string, (event: number, random: number) => number> = {
  'in no order': (_, random) => Math.round(10_000 * random),
  rising: (event) => Math.floor(event / 8),
  falling: (event) => 60_000 - Math.floor(event / 8),
  'of two values': (_, random) => (random < 0.5 ? 3 : 4),
  'all the same': () => 1234,
  'higher towards the end': (event, random) =>
    Math.round(1000 * random) + (event > 300_000 ? 500 : 0),
  'high and low in turns': (event, random) => (event % 2) * 40_000 + Math.round(100 * random),
  'mostly zero': (_, random) => (random < 0.7 ? 0 : Math.round(1e4 * random)),
  'in the shape of a tooth': (event) => event % 1000,
  'with a gap in the middle': (event, random) =>
    Math.round(100 * random) + (event < EVENTS / 2 ? 0 : 60_000),
  'of few large values': (event) => (event % 997 === 0 ? 65_535 : 2),
}

function table(spoil: (value: number, event: number) => number): Float64Array[] {
  const random = randomNumbers(1)
  return Object.values(columns).map((at) =>
    Float64Array.from({ length: EVENTS }, (_, event) => spoil(at(event, random()), event)),
  )
}

const asIs = (value: number) => value
const notAllFinite = (value: number, event: number) => {
  if (event % 50 === 0) return Number.NaN
  return event % 70 === 0 ? Infinity * (event % 2 === 0 ? 1 : -1) : value
}

const formats: [
  string,
  Pick<FcsSpec, 'datatype' | 'byteOrder'>,
  typeof asIs | typeof notAllFinite,
][] = [
  ['float32', { datatype: 'F', byteOrder: 'little' }, asIs],
  ['big-endian float32', { datatype: 'F', byteOrder: 'big' }, asIs],
  ['float32 with values that are no numbers', { datatype: 'F', byteOrder: 'little' }, notAllFinite],
  ['float64 with values that are no numbers', { datatype: 'D', byteOrder: 'big' }, notAllFinite],
  ['integers', { datatype: 'I', byteOrder: 'little' }, asIs],
]

describe('statistics of more events than are kept at once are exact', () => {
  for (const [name, type, spoil] of formats) {
    test(`for ${name}`, async () => {
      const values = table(spoil)
      const parameters = values.map((_, i) => ({ name: `C${i}` }))
      const { statistics } = await scanFile(
        writeFcs({ ...type, parameters, columns: values }),
        [99_991, 5],
      )
      for (const [i, column] of values.entries()) {
        const sorted = column.filter(Number.isFinite).sort()
        const [upper, lower] = [Math.floor(sorted.length / 2), Math.floor((sorted.length - 1) / 2)]
        const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
        const variance = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sorted.length
        const found = statistics[i]
        expect(found).toMatchObject({
          count: sorted.length,
          non_finite: EVENTS - sorted.length,
          min: sorted[0],
          max: sorted.at(-1),
          median: ((sorted[lower] ?? 0) + (sorted[upper] ?? 0)) / 2,
        })
        expect(found?.mean).toBeCloseTo(mean, 7)
        expect(found?.std).toBeCloseTo(Math.sqrt(variance), 7)
      }
    })
  }
})

test('the loops over float32 compute bit for bit what those over other types do', async () => {
  const float32 = fc.array(fc.float({ noDefaultInfinity: true }), { maxLength: 5000, size: 'max' })
  await fc.assert(
    fc.asyncProperty(float32, async (values) => {
      const spec = { parameters: [{ name: 'A' }], columns: [values] }
      const single = await scanFile(writeFcs({ ...spec, datatype: 'F' }))
      const double = await scanFile(writeFcs({ ...spec, datatype: 'D' }))
      expect(single.statistics).toEqual(double.statistics)
    }),
    { numRuns: 50 },
  )
})

test('a stored file that is not the one that came is noticed, not measured', async () => {
  const values = table(asIs)
  const parameters = values.map((_, i) => ({ name: `C${i}` }))
  const bytes = writeFcs({ parameters, columns: values })
  const scan = createScan()
  scan.push(bytes)
  const other = bytesSource(bytes)
  // What was finite came back as NaN: of neither side of any bound.
  const source = {
    ...other,
    read: async (at: number, length: number) => (await other.read(at, length)).fill(0xff),
  }
  await expect(scan.finish(source)).rejects.toThrow('changed')
})

test('the compiled loops are those of their source', async () => {
  expect(COMPILED).toBe(await compiledKernels())
})
