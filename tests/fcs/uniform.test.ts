import { describe, expect, test } from 'bun:test'
import { integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

async function events(file: Uint8Array): Promise<number[][]> {
  return readAll(file, (await scanFile(file)).description)
}

describe('how values are stored', () => {
  for (const byteOrder of ['little', 'big'] as const) {
    for (const datatype of ['F', 'D'] as const) {
      test(`${byteOrder}-endian ${datatype} is read`, async () => {
        expect(await events(writeFcs({ ...small, datatype, byteOrder }))).toEqual(smallEvents)
      })
    }
    for (const bits of [16, 32]) {
      test(`${byteOrder}-endian integers of ${bits} bits are unsigned`, async () => {
        const columns = [
          [0, 1, 128, 2 ** bits - 1],
          [2 ** (bits - 1), 255, 256, 4660],
        ]
        const file = writeFcs({ ...integers(bits, 2 ** bits, columns), byteOrder })
        expect(await events(file)).toEqual([0, 1, 2, 3].map((i) => columns.map((c) => c[i] ?? -1)))
      })
    }
  }

  const orders: [string, 'little' | 'big'][] = [
    ['1,2', 'little'],
    ['1, 2, 3, 4', 'little'],
    ['1,2,3,4,5,6,7,8', 'little'],
    ['2,1', 'big'],
    ['4,3,2,1', 'big'],
    ['8,7,6,5,4,3,2,1', 'big'],
  ]
  for (const [order, byteOrder] of orders) {
    test(`$BYTEORD ${order} is ${byteOrder}-endian whatever the width`, async () => {
      const keywords = { $BYTEORD: order }
      const spec = { ...integers(16, 65536, [[1, 513]]), byteOrder, keywords }
      expect(await events(writeFcs(spec))).toEqual([[1], [513]])
      expect(await events(writeFcs({ ...small, byteOrder, keywords }))).toEqual(smallEvents)
    })
  }

  const masks: [number, number, number, number][] = [
    [16, 1024, 0xffff, 1023],
    [16, 1000, 1010, 1010],
    [16, 1000, 0xfc00, 0],
    [16, 1025, 0xffff, 2047],
    [16, 65536, 0xffff, 0xffff],
    [32, 262144, 0xffffffff, 262143],
    [32, 2 ** 31, 0xffffffff, 2 ** 31 - 1],
    [32, 2 ** 32, 0xffffffff, 2 ** 32 - 1],
    [16, 2 ** 32, 0xffff, 0xffff],
    [16, 0, 0xffff, 0xffff],
  ]
  for (const [bits, range, stored, read] of masks) {
    test(`$PnR ${range} in ${bits} bits makes ${stored} ${read}`, async () => {
      const file = writeFcs(integers(bits, range, [[stored, 0]]))
      const { description, statistics } = await scanFile(file)
      expect(await readAll(file, description)).toEqual([[read], [0]])
      expect(statistics[0]?.max).toBe(read)
      const codes = description.warnings.map(({ code }) => code)
      expect(codes).toEqual(read === stored ? [] : ['masked_values'])
    })
  }

  test('floating-point values are never masked or clamped', async () => {
    const parameters = [{ name: 'FL1-A', range: 1024 }]
    const file = writeFcs({ parameters, columns: [[-5, 4096, 1e30]] })
    expect(await events(file)).toEqual([[-5], [4096], [Math.fround(1e30)]])
  })

  test('a $PnB that contradicts floating-point data is survived when DATA fits', async () => {
    const parameters = small.parameters.map((p) => ({ ...p, keywords: { B: '16' } }))
    const file = writeFcs({ ...small, parameters })
    expect(await events(file)).toEqual(smallEvents)
    expect(await warnings(file)).toEqual(['pnb'])
    const keywords = { $TOT: '3' }
    expect(await refusal(writeFcs({ ...small, parameters, keywords }))).toBe('bits')
  })

  const refused: [string, string, Partial<FcsSpec>][] = [
    ['no $PAR', 'keyword', { omit: ['$PAR'] }],
    ['$PAR 0', 'keyword', { keywords: { $PAR: '0' } }],
    ['$PAR 1,000,000,000', 'keyword', { keywords: { $PAR: '1000000000' } }],
    ['$PAR that is no number', 'keyword', { keywords: { $PAR: 'three' } }],
    ['no $BYTEORD', 'keyword', { omit: ['$BYTEORD'] }],
    ['$BYTEORD 1,2,3,3', 'byte_order', { keywords: { $BYTEORD: '1,2,3,3' } }],
    ['$BYTEORD 0,1,2,3', 'byte_order', { keywords: { $BYTEORD: '0,1,2,3' } }],
    ['$BYTEORD 1', 'byte_order', { keywords: { $BYTEORD: '1' } }],
    ['no $DATATYPE', 'keyword', { omit: ['$DATATYPE'] }],
    ['$DATATYPE X', 'datatype', { keywords: { $DATATYPE: 'X' } }],
    ['$MODE C', 'mode', { keywords: { $MODE: 'C' } }],
    ['$MODE U', 'mode', { keywords: { $MODE: 'U' } }],
    ['integers without $P2B', 'keyword', { datatype: 'I', omit: ['$P2B'] }],
    ['integers without $P2R', 'keyword', { datatype: 'I', omit: ['$P2R'] }],
    ['integers with a $P2R that is no number', 'keyword', { keywords: { $P2R: 'x' } }],
    ['integers narrower than DATA is', 'bits', { keywords: { $P2B: '16' } }],
    ...[0, -8, 10, 65, 72].map((bits): [string, string, Partial<FcsSpec>] => {
      const width = { $P1B: `${bits}`, $P2B: `${bits}` }
      return [`integers of ${bits} bits`, 'bits', { keywords: width }]
    }),
  ]
  for (const [what, code, change] of refused) {
    test(`${what} is refused`, async () => {
      const spec = integers(32, 1024, [
        [1, 2],
        [3, 4],
      ])
      expect(await refusal(writeFcs({ ...spec, ...change }))).toBe(code)
    })
  }

  test('a missing $MODE is list mode, with a warning', async () => {
    expect(await warnings(writeFcs({ ...small, omit: ['$MODE'] }))).toEqual(['mode_missing'])
  })
})
