import { describe, expect, test } from 'bun:test'
import { describeDataSet } from '../../src/fcs/description.ts'
import { readHeader } from '../../src/fcs/header.ts'
import { readText } from '../../src/fcs/text.ts'
import { headerField, integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

async function events(file: Uint8Array): Promise<number[][]> {
  return readAll(file, (await scanFile(file)).description)
}

const written = new TextDecoder('latin1').decode(writeFcs(small))
const begin = Number(written.slice(26, 34))
const end = Number(written.slice(34, 42))

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

describe('where HEADER and TEXT disagree', () => {
  const cases: [string, Partial<FcsSpec>, string[]][] = [
    [
      'HEADER begins one byte early',
      { header: headerField(2, begin - 1) },
      ['data_offsets_disagree'],
    ],
    ['HEADER ends one byte late', { header: headerField(3, end + 1) }, ['data_offsets_disagree']],
    ['HEADER ends early', { header: headerField(3, end - 12) }, ['data_offsets_disagree']],
    [
      'HEADER is in TEXT',
      { header: (h) => headerField(2, 100)(headerField(3, 159)(h)) },
      ['data_offsets_disagree'],
    ],
    ['TEXT is elsewhere', { keywords: { $BEGINDATA: '99', $ENDDATA: '98' } }, []],
    ['TEXT ends early', { keywords: { $ENDDATA: String(end - 12) } }, ['data_offsets_disagree']],
    ['TEXT has none', { omit: ['$BEGINDATA', '$ENDDATA'] }, []],
  ]
  for (const [what, change, codes] of cases) {
    test(`(${what}) the position that fits the events is taken`, async () => {
      const file = writeFcs({ ...small, ...change })
      const { description } = await scanFile(file)
      expect(await readAll(file, description)).toEqual(smallEvents)
      const found: string[] = description.warnings.map(({ code }) => code)
      expect(found).toEqual(codes)
    })
  }

  test('HEADER wins when both fit', async () => {
    const keywords = { $BEGINDATA: String(begin), $ENDDATA: String(end) }
    const file = writeFcs({ ...small, keywords, gap: 2 })
    expect(await events(file)).toEqual(smallEvents)
    expect(await warnings(file)).toEqual(['data_offsets_disagree'])
  })

  test('an end one byte too far in both is read, even past the end of the file', async () => {
    const keywords = { $ENDDATA: String(end + 1) }
    const file = writeFcs({ ...small, keywords, header: headerField(3, end + 1) })
    expect(await events(file)).toEqual(smallEvents)
    expect(await warnings(file)).toEqual(['data_end'])
  })

  test('DATA never begins in HEADER', async () => {
    const keywords = { $BEGINDATA: '50', $ENDDATA: '109' }
    const header = (h: string) => headerField(2, 50)(headerField(3, 109)(h))
    expect(await refusal(writeFcs({ ...small, textAfterData: true, keywords, header }))).toBe('tot')
  })

  test('offsets count from the start of the data set', () => {
    const file = writeFcs(small)
    const header = readHeader(file)
    const text = readText(file.slice(header.text.begin, header.text.end + 1))
    expect(describeDataSet(header, text, 0).data.offset).toBe(begin)
    expect(describeDataSet(header, text, 1000).data.offset).toBe(begin + 1000)
  })

  const refused: [string, string, Partial<FcsSpec>][] = [
    ['no position at all', 'offsets', { omit: ['$BEGINDATA'], header: headerField(2, 0) }],
    ['a position in HEADER', 'tot', { omit: ['$BEGINDATA'], header: headerField(2, 20) }],
    ['an offset beyond 2^53', 'keyword', { keywords: { $BEGINDATA: '18446744073709551615' } }],
  ]
  for (const [what, code, change] of refused) {
    test(`${what} is refused`, async () => {
      expect(await refusal(writeFcs({ ...small, ...change }))).toBe(code)
    })
  }
})

describe('$TOT', () => {
  test('missing is worked out from the length of DATA', async () => {
    const file = writeFcs({ ...small, omit: ['$TOT'] })
    expect(await events(file)).toEqual(smallEvents)
    expect(await warnings(file)).toEqual(['tot_missing'])
  })

  test('missing with a DATA that is no whole number of events is refused', async () => {
    const keywords = { $ENDDATA: String(end - 3) }
    const spec = { ...small, omit: ['$TOT'], keywords, header: headerField(3, end - 3) }
    expect(await refusal(writeFcs(spec))).toBe('offsets')
  })

  test('smaller than DATA counts, with a warning', async () => {
    const file = writeFcs({ ...small, keywords: { $TOT: '3' } })
    expect(await events(file)).toEqual(smallEvents.slice(0, 3))
    expect(await warnings(file)).toEqual(['tot_smaller'])
  })

  for (const total of ['6', '4294967296', '9007199254740991']) {
    test(`of ${total}, more than DATA holds, is refused`, async () => {
      expect(await refusal(writeFcs({ ...small, keywords: { $TOT: total } }))).toBe('tot')
    })
  }

  test('of more events than 32 bits can count is refused', async () => {
    const total = 2 ** 32
    const keywords = { $TOT: `${total}`, $BEGINDATA: '9999', $ENDDATA: `${9998 + 2 * total}` }
    const spec = { ...integers(16, 1024, [[1]]), keywords, header: headerField(2, 0) }
    expect(await refusal(writeFcs(spec))).toBe('too_large')
  })

  test('of -0 is 0, which JSON keeps', async () => {
    const { description } = await scanFile(writeFcs({ ...small, keywords: { $TOT: '-0' } }))
    expect(Object.is(description.total_events, 0)).toBe(true)
  })

  for (const [total, code] of Object.entries({ '-1': 'tot', five: 'keyword', '5.5': 'keyword' })) {
    test(`of ${total} is refused`, async () => {
      expect(await refusal(writeFcs({ ...small, keywords: { $TOT: total } }))).toBe(code)
    })
  }

  test('of 0 with DATA offsets of 0 is a file without events', async () => {
    const file = writeFcs({ ...small, columns: [[], [], []] })
    const { description, statistics } = await scanFile(file)
    expect(description.total_events).toBe(0)
    expect(await readAll(file, description)).toEqual([])
    expect(statistics.map(({ count, median, std }) => [count, median, std])).toEqual(
      Array.from({ length: 3 }, () => [0, null, null]),
    )
  })
})
