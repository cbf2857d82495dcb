import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, readExactly, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

async function events(file: Uint8Array): Promise<(number | bigint)[][]> {
  return readExactly(file, (await scanFile(file)).description)
}

const most = 2n ** 64n - 1n
const chunkLengths = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 })

describe('integers', () => {
  for (const bits of [8, 24, 40, 48, 56, 64]) {
    for (const byteOrder of ['little', 'big'] as const) {
      test(`of ${bits} bits, ${byteOrder}-endian, are unsigned and exact`, async () => {
        const all = 2n ** BigInt(bits) - 1n
        const column = [0n, 1n, 128n, all, all - 1n, 2n ** BigInt(bits - 1)]
        const file = writeFcs({
          ...{ datatype: 'I', byteOrder, columns: [column] },
          parameters: [{ name: 'FL1-H', bits, range: all + 1n }],
        })
        expect((await events(file)).flat().map(BigInt)).toEqual(column)
        expect(await warnings(file)).toEqual([])
      })
    }
  }

  test('of mixed widths follow each other without gaps, in any chunks', async () => {
    const widths = fc.array(fc.constantFrom(8, 16, 24, 32, 40, 48, 56, 64), { minLength: 1 })
    const seeds = fc.array(fc.bigInt({ min: 0n, max: most }), { minLength: 1, maxLength: 9 })
    const order = fc.constantFrom<'little' | 'big'>('little', 'big')
    await fc.assert(
      fc.asyncProperty(
        widths,
        seeds,
        order,
        chunkLengths,
        async (widths, seeds, order, lengths) => {
          const parameters = widths.map((bits, i) => {
            return { name: `C${i}`, bits, range: 2n ** BigInt(bits) }
          })
          const columns = widths.map((bits) => seeds.map((seed) => BigInt.asUintN(bits, seed)))
          const file = writeFcs({ datatype: 'I', byteOrder: order, parameters, columns })
          const whole = await scanFile(file)
          const rows = await readExactly(file, whole.description)
          expect(rows.map((row) => row.map(BigInt))).toEqual(
            seeds.map((_, event) => columns.map((column) => column[event] ?? -1n)),
          )
          expect(await scanFile(file, lengths)).toEqual(whole)
        },
      ),
      { numRuns: 200 },
    )
  })

  const masks: [number, number | bigint, bigint, bigint][] = [
    [8, 16, 0xffn, 15n],
    [24, 1000, 0xfffffen, 1022n],
    [24, 2 ** 24, 0xffffffn, 0xffffffn],
    [40, 2 ** 33, 2n ** 40n - 1n, 2n ** 33n - 1n],
    [40, 1024, 2n ** 40n - 1n, 1023n],
    [64, 2n ** 63n, most, 2n ** 63n - 1n],
    [64, 2n ** 63n + 1n, most, most],
    [64, 2n ** 53n + 1n, most, 2n ** 54n - 1n],
    [64, most, most, most],
    [64, 2n ** 64n, most, most],
    [64, 262144, most, 262143n],
    [64, 0, most, most],
  ]
  for (const [bits, range, stored, read] of masks) {
    test(`of ${bits} bits and $PnR ${range} are masked to the bit`, async () => {
      const parameters = [{ name: 'FL1-H', bits, range }]
      const file = writeFcs({ datatype: 'I', parameters, columns: [[stored, 0n]] })
      const { description, statistics } = await scanFile(file)
      expect((await events(file)).flat().map(BigInt)).toEqual([read, 0n])
      expect(statistics[0]).toMatchObject({ max: Number(read), masked: read === stored ? 0 : 1 })
      const codes = description.warnings.map(({ code }) => code)
      expect(codes).toEqual(read === stored ? [] : ['masked_values'])
    })
  }

  test('masked are counted for each channel', async () => {
    const spec = integers(16, 1024, [
      [1, 5000, 3],
      [9, 9, 9],
      [7000, 8000, 9000],
    ])
    const { statistics, description } = await scanFile(writeFcs(spec))
    expect(statistics.map(({ masked }) => masked)).toEqual([1, 0, 3])
    expect(description.warnings[0]?.message).toContain('$P1R 1, $P3R 3')
  })
})

describe('a $PnB that is no whole number of bytes', () => {
  const written = (bits: number, stored: number, change: Partial<FcsSpec> = {}) => {
    const parameters = ['A', 'B', 'C'].map((name) => {
      return { name, bits: stored, range: 2 ** bits, keywords: { B: String(bits) } }
    })
    return writeFcs({
      ...change,
      datatype: 'I',
      parameters,
      columns: [
        [1, 1023],
        [2, 3],
        [4, 5],
      ],
    })
  }
  const rows = [
    [1, 2, 4],
    [1023, 3, 5],
  ]
  for (const [bits, stored] of [
    [10, 16],
    [12, 16],
    [20, 32],
    [20, 24],
  ] as const) {
    test(`${bits} bits in ${stored} are read where DATA is that long`, async () => {
      expect(await events(written(bits, stored))).toEqual(rows)
      expect(await warnings(written(bits, stored))).toEqual(['pnb'])
    })
  }

  test('is refused where DATA has another length, or $TOT is not there to tell', async () => {
    expect(await refusal(written(10, 24))).toBe('bits')
    expect(await refusal(written(10, 16, { omit: ['$TOT'] }))).toBe('bits')
    expect(await refusal(written(10, 16, { keywords: { $TOT: '1' } }))).toBe('bits')
  })
})

describe('$PnDATATYPE', () => {
  const spec: FcsSpec = {
    version: 'FCS3.2',
    parameters: [
      { name: 'Time', datatype: 'I', bits: 40, range: 2 ** 40 },
      { name: 'FL1-A' },
      { name: 'FL2-A', datatype: 'D' },
      { name: 'Index', datatype: 'I', bits: 16, range: 1024 },
    ],
    columns: [
      [2 ** 39, 7],
      [-1.5, Number.NaN],
      [0.1, 1e300],
      [1, 1025],
    ],
  }
  for (const byteOrder of ['little', 'big'] as const) {
    test(`gives a ${byteOrder}-endian parameter a type of its own in FCS 3.2`, async () => {
      const file = writeFcs({ ...spec, byteOrder })
      const { description, statistics } = await scanFile(file)
      expect(await readAll(file, description)).toEqual([
        [2 ** 39, -1.5, 0.1, 1],
        [7, Number.NaN, 1e300, 1],
      ])
      expect(description.parameters.map(({ datatype, bits }) => `${datatype} ${bits}`)).toEqual([
        ...['I 40', 'F 32', 'D 64', 'I 16'],
      ])
      expect(statistics.map(({ median, non_finite }) => [median, non_finite])).toEqual([
        ...[
          [(2 ** 39 + 7) / 2, 0],
          [-1.5, 1],
          [(0.1 + 1e300) / 2, 0],
          [1, 0],
        ],
      ])
    })
  }

  test('means nothing before FCS 3.2, and no text beside other types', async () => {
    const before = { ...small, keywords: { $P2DATATYPE: 'D' }, version: 'FCS3.1' }
    expect(await events(writeFcs(before))).toEqual(smallEvents)
    const text = { ...small, keywords: { $P2DATATYPE: 'A' }, version: 'FCS3.2' }
    expect(await refusal(writeFcs(text))).toBe('datatype')
  })
})
