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
