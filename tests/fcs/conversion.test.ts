import { expect, test } from 'bun:test'
import { createConversion } from '../../src/fcs/conversion.ts'
import { small } from '../kit/fcs-examples.ts'
import type { FcsSpec } from '../kit/fcs-writer.ts'
import { described } from './described.ts'

const RAW = { scale: 'raw', compensated: false } as const
const LINEAR = { scale: 'linear', compensated: false } as const
const COMPENSATED = { scale: 'raw', compensated: true } as const
const BOTH = { scale: 'linear', compensated: true } as const

const amplified: FcsSpec = {
  datatype: 'I',
  parameters: [
    { name: 'FL1', bits: 16, range: 1024, keywords: { E: '4.0,1.0' } },
    { name: 'FL2', bits: 16, range: 1024, keywords: { E: '4,0' } },
    { name: 'FSC', bits: 16, range: 1024, keywords: { G: '8.0' } },
    { name: 'Time', bits: 16, range: 65536, keywords: { G: '0.01' } },
    { name: 'FL3', bits: 16, range: 256, keywords: { E: '4.0,0.1024', G: '2' } },
  ],
  columns: [
    [0, 256],
    [512, 100],
    [1023, 0],
    [10, 20],
    [0, 128],
  ],
  keywords: { $TIMESTEP: '0.01' },
}

test('log amplifiers, gains and time steps make stored values what was measured', async () => {
  const description = await described(amplified)
  const { reads, apply } = createConversion(description, [0, 1, 2, 3, 4], LINEAR)
  expect(reads).toEqual([0, 1, 2, 3, 4])
  const columns = apply(amplified.columns.map((column) => Uint16Array.from(column, Number)))
  // $PnE 4,0 is read as 4,1; a time step takes the place of a gain, and a log amplifier too.
  const expected = [
    [1, 10],
    [100, 2.458244068920197],
    [127.875, 0],
    [0.1, 0.2],
    [0.1024, 10.24],
  ]
  for (const [i, column] of expected.entries()) {
    for (const [event, value] of column.entries()) {
      expect(columns[i]?.[event]).toBeCloseTo(value, 12)
    }
  }
})

test('values are as stored unless asked for otherwise, 64-bit integers as near as a double comes', async () => {
  const { apply } = createConversion(await described(amplified), [0, 1], RAW)
  expect(apply([Uint16Array.of(7, 8), BigUint64Array.of(1n, 2n ** 60n)])).toEqual([
    Float64Array.of(7, 8),
    Float64Array.of(1, 2 ** 60),
  ])
})

const spilled = (matrix: string, keyword = '$SPILLOVER') =>
  described({ ...small, keywords: { [keyword]: matrix } })

test.each(['$SPILLOVER', 'SPILL', '$COMP'])(
  '%s is inverted, in the order of its names',
  async (keyword) => {
    // Of dye FL1, 0.5 is seen in FSC; of dye FSC, 0.25 in FL1.
    const description = await spilled('2,FL1-A,FSC-A,1,0.5,0.25,1', keyword)
    const { reads, apply } = createConversion(description, [0, 2], COMPENSATED)
    expect(reads.toSorted()).toEqual([0, 1, 2])
    const dyes = { fl1: [100, 8], fsc: [40, -4] }
    const measured = new Map([
      [0, dyes.fsc.map((fsc, i) => fsc + 0.5 * (dyes.fl1[i] ?? 0))],
      [1, dyes.fl1.map((fl1, i) => fl1 + 0.25 * (dyes.fsc[i] ?? 0))],
      [2, [3, 4]],
    ])
    const [fsc, time] = apply(
      reads.map((channel) => Float32Array.from(measured.get(channel) ?? [])),
    )
    expect(fsc?.[0]).toBeCloseTo(40, 12)
    expect(fsc?.[1]).toBeCloseTo(-4, 12)
    expect([...(time ?? [])]).toEqual([3, 4])
  },
)

test('a channel may be named by its number', async () => {
  const description = await spilled('2,2,1,1,0.5,0,1')
  const { apply } = createConversion(description, [0, 1], COMPENSATED)
  expect(apply([Float32Array.of(7), Float32Array.of(4)])).toEqual([
    Float64Array.of(5),
    Float64Array.of(4),
  ])
})

test('compensation is of scaled values, when both are asked for', async () => {
  const parameters = [
    { name: 'A', keywords: { G: '2' } },
    { name: 'B', keywords: { G: '4' } },
  ]
  const columns = [[20], [20]]
  const description = await described({
    parameters,
    columns,
    keywords: { SPILL: '2,A,B,1,0.1,0,1' },
  })
  const { apply } = createConversion(description, [1], BOTH)
  expect(apply([Float32Array.of(20), Float32Array.of(20)])[0]?.[0]).toBeCloseTo(5 - 0.1 * 10, 12)
})

test('a NaN or infinity stays in the channels that its dye spills into', async () => {
  const description = await spilled('2,FSC-A,FL1-A,1,0,0.5,1')
  const { apply } = createConversion(description, [0, 1], COMPENSATED)
  const [fsc, fl1] = apply([Float32Array.of(Number.POSITIVE_INFINITY), Float32Array.of(1)])
  expect([fsc?.[0], fl1?.[0]]).toEqual([Number.POSITIVE_INFINITY, 1])
})

test('an inverse undoes matrices of which the first pivot is zero', async () => {
  const description = await spilled('2,FSC-A,FL1-A,0,1,1,0')
  const { apply } = createConversion(description, [0, 1], COMPENSATED)
  expect(apply([Float32Array.of(3), Float32Array.of(4)])).toEqual([
    Float64Array.of(4),
    Float64Array.of(3),
  ])
})

test.each([
  ['', 'no spillover matrix'],
  ['2,FSC-A,NOPE,1,0.1,0.02,1', 'does not have (no. 2)'],
  ['2,FSC-A,9,1,0.1,0.02,1', 'does not have (no. 2)'],
  ['2,FSC-A,FSC-A,1,0.1,0.02,1', 'more than once'],
  ['2,FSC-A,FL1-A,1,1,1,1', 'singular'],
  ['2,FSC-A,FL1-A,0,0,0,1', 'singular'],
  ['2,FSC-A,FL1-A,1,1,1,1.00000001', 'nearly singular'],
  ['2,FSC-A,FL1-A,1,0.1,x,1', 'not a number'],
  ['2,FSC-A,FL1-A,1,0.1,,1', 'not a number'],
  ['2,FSC-A,FL1-A,1,0.1,1', '2 names and 2 × 2 numbers'],
  ['2,1,0.1,0.02,1', 'names no channels'],
  ['0', 'size from 1 to 256'],
  ['300,FSC-A', 'size from 1 to 256'],
])('a spillover of "%s" is refused: %s', async (matrix, reason) => {
  const description = await spilled(matrix)
  expect(() => createConversion(description, [0], COMPENSATED)).toThrow(reason)
})

test('logarithmic values are compensated on the linear scale only', async () => {
  const description = await described({ ...amplified, keywords: { SPILL: '2,FL1,FL2,1,0,0,1' } })
  expect(() => createConversion(description, [0], COMPENSATED)).toThrow('scale=linear')
  expect(createConversion(description, [0], BOTH).reads).toEqual([0, 1])
})
