import { describe, expect, test } from 'bun:test'
import { readEvents } from '../../src/fcs/index.ts'
import { bytesSource, readAll, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

const free = { keywords: { B: '*' } }
const fixedSpec: FcsSpec = {
  datatype: 'A',
  parameters: [
    { name: 'A', bits: 4 },
    { name: 'B', bits: 6 },
  ],
  columns: [
    [12, 9999, 0],
    [345, 999999, 7],
  ],
}
const freeSpec: FcsSpec = {
  ...fixedSpec,
  parameters: [
    { name: 'A', ...free },
    { name: 'B', ...free },
  ],
}
const rows = [
  [12, 345],
  [9999, 999999],
  [0, 7],
]

async function events(spec: FcsSpec, lengths: number[] = []): Promise<number[][]> {
  const file = writeFcs(spec)
  return readAll(file, (await scanFile(file, lengths)).description)
}

describe('numbers written as text', () => {
  test('of fixed width are read, whatever $PnR says', async () => {
    expect(await events(fixedSpec)).toEqual(rows)
    expect(await events({ ...fixedSpec, separator: ' ' }, [400, 1, 1])).toEqual(rows)
    const parameters = fixedSpec.parameters.map((parameter) => ({ ...parameter, range: 8 }))
    const { statistics } = await scanFile(writeFcs({ ...fixedSpec, parameters }), [1, 400, 3, 3, 3])
    expect(statistics.map(({ max, median, masked }) => [max, median, masked])).toEqual([
      [9999, 12, 0],
      [999999, 345, 0],
    ])
  })

  for (const separator of [' ', ',', '\t', '\r\n', ', ', '\n\n']) {
    test(`with ${JSON.stringify(separator)} between them are read`, async () => {
      expect(await events({ ...freeSpec, separator }, [400, 1, 1, 1, 1, 1])).toEqual(rows)
      expect(await warnings(writeFcs({ ...freeSpec, separator }))).toEqual([])
    })
  }

  test('may have a sign, a point or an exponent', async () => {
    const parameters = [{ name: 'A', bits: 8, keywords: {} }]
    const columns = [[-12, 1.5, 1e21, 0]]
    const spec: FcsSpec = { ...freeSpec, parameters: [{ name: 'A', ...free }], columns }
    expect(await events(spec)).toEqual([[-12], [1.5], [1e21], [0]])
    expect(await events({ ...fixedSpec, parameters, columns: [[1.25]] })).toEqual([[1.25]])
  })

  test('may end without a separator', async () => {
    const parameters = [{ name: 'A', ...free }]
    const file = writeFcs({ ...freeSpec, parameters, columns: [[1, 23]], separator: '1' })
    // One number: 11231.
    expect(await refusal(file)).toBe('tot')
    const one = writeFcs({ ...freeSpec, parameters, columns: [[1]], separator: '1' })
    expect(await readAll(one, (await scanFile(one)).description)).toEqual([[11]])
  })

  test('beyond $TOT are left out, with a warning', async () => {
    const file = writeFcs({ ...freeSpec, keywords: { $TOT: '2' } })
    const { description, statistics } = await scanFile(file)
    expect(await readAll(file, description)).toEqual(rows.slice(0, 2))
    expect(statistics[0]?.count).toBe(2)
    expect(description.warnings.map(({ code }) => code)).toEqual(['tot_smaller'])
  })

  const wrong: [string, string, Partial<FcsSpec>][] = [
    ['fewer than $TOT events', 'tot', { keywords: { $TOT: '4' } }],
    ['no $TOT', 'offsets', { omit: ['$TOT'] }],
    ['letters', 'value', { separator: 'x ' }],
    ['numbers longer than any', 'value', { separator: '1'.repeat(65) }],
    [
      'a width beside *',
      'keyword',
      {
        parameters: [
          { name: 'A', ...free },
          { name: 'B', bits: 4 },
        ],
      },
    ],
  ]
  for (const [what, code, change] of wrong) {
    test(`with ${what} are refused`, async () => {
      expect(await refusal(writeFcs({ ...freeSpec, ...change }))).toBe(code)
    })
  }

  test('of fixed width with something else, or of no width, are refused', async () => {
    const header = (width: string) =>
      fixedSpec.parameters.map((parameter) => {
        return { ...parameter, keywords: { B: width } }
      })
    expect(await refusal(writeFcs({ ...fixedSpec, parameters: header('0') }))).toBe('bits')
    expect(await refusal(writeFcs({ ...fixedSpec, parameters: header('65') }))).toBe('bits')
    const columns = [[1.5], [Number.NaN]]
    expect(await refusal(writeFcs({ ...fixedSpec, columns }))).toBe('value')
  })

  test('are found on any page of very many, by a look at few bytes', async () => {
    const events = 200_000
    const columns = [Float64Array.from({ length: events }, (_, i) => i)]
    const file = writeFcs({ ...freeSpec, parameters: [{ name: 'A', ...free }], columns })
    const { description } = await scanFile(file, [1_000_000])
    for (const offset of [0, 1, 65_535, 65_536, 131_071, 131_073, 196_608, events - 2]) {
      let bytes = 0
      const source = bytesSource(file)
      const counting = {
        ...source,
        read: (at: number, length: number) => {
          bytes += length
          return source.read(at, length)
        },
      }
      const [column] = await readEvents(counting, description, { offset, limit: 2, columns: [0] })
      expect(column).toEqual(Float64Array.of(offset, offset + 1))
      expect(bytes).toBeLessThan(65_538 * 8 + 64 * 1024)
    }
    const page = { offset: events, limit: 5, columns: [0] }
    expect(await readEvents(bytesSource(file), description, page)).toEqual([new Float64Array()])
  })
})
