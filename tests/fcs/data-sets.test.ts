import { describe, expect, test } from 'bun:test'
import { FcsError } from '../../src/fcs/index.ts'
import { headerField, integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeDataSets, writeFcs } from '../kit/fcs-writer.ts'

const counts = integers(24, 1024, [
  [7, 1025, 9],
  [1, 2, 3],
])
const countEvents = [
  [7, 1],
  [1, 2],
  [9, 3],
]
const size = writeDataSets([small]).length

describe('several data sets', () => {
  test('are read one after the other, each with its own description and statistics', async () => {
    const file = writeDataSets([small, { ...counts, textAfterData: true }, small])
    const { description, statistics } = await scanFile(file, [1, 5, 600, 3])
    expect(await readAll(file, description)).toEqual(smallEvents)
    expect(statistics).toHaveLength(3)
    const [second, third] = description.data_sets
    if (!second || !third) throw new Error('there are three data sets')
    expect(second.offset).toBe(size)
    expect(second.version).toBe('FCS3.1')
    expect(await readAll(file, second)).toEqual(countEvents)
    expect(second.statistics.map(({ median, masked }) => [median, masked])).toEqual([
      [7, 1],
      [2, 0],
    ])
    expect(second.warnings.map(({ code }) => code)).toEqual(['masked_values'])
    expect(await readAll(file, third)).toEqual(smallEvents)
    expect(third.statistics).toEqual(statistics)
    expect(description.warnings).toEqual([])
  })

  test('have segments and a CRC of their own, counted from their beginning', async () => {
    const file = writeDataSets([small, { ...counts, supplement: '|a|b|', analysis: '|c|d|' }])
    const bytes = new Uint8Array([...file, ...new TextEncoder().encode('00012345')])
    const [second] = (await scanFile(bytes)).description.data_sets
    expect(second?.keywords.at(-1)).toEqual(['A', 'b'])
    expect(second?.analysis).toEqual([['C', 'd']])
    expect(second?.warnings.map(({ code }) => code)).toEqual(['masked_values', 'crc'])
  })

  test('share no segment: what is beside the events of one ends where the next begins', async () => {
    const beyond = { $BEGINANALYSIS: String(size + 100), $ENDANALYSIS: String(size + 104) }
    const file = writeDataSets([small, { ...small, keywords: beyond }, small])
    file.set(new TextEncoder().encode('|c|d|'), 2 * size + 100)
    const [second] = (await scanFile(file)).description.data_sets
    expect(second?.analysis).toEqual([])
    expect(second?.warnings.map(({ code }) => code)).toEqual(['analysis'])
  })

  test('without events are data sets as well', async () => {
    const empty = { ...small, columns: [[], [], []] }
    const { description } = await scanFile(writeDataSets([empty, small]))
    expect(description.total_events).toBe(0)
    expect(description.data_sets.map(({ total_events }) => total_events)).toEqual([5])
  })

  test('end where $NEXTDATA leads nowhere, with a warning', async () => {
    const nowhere = ['999999', String(size), '-58', '100', '1.5', '9e99', '18446744073709551615']
    for (const next of nowhere) {
      const file = writeFcs({ ...small, keywords: { $NEXTDATA: next.padStart(10) } })
      expect(await warnings(file)).toEqual(['next_data'])
    }
  })

  const unreadable: [string, Uint8Array][] = [
    ['no FCS', new Uint8Array(1000)],
    ['a histogram', writeFcs({ ...small, keywords: { $MODE: 'U' } })],
    ['events that are not there', writeFcs({ ...small, keywords: { $TOT: '6' } })],
  ]
  for (const [what, bytes] of unreadable) {
    test(`end where the next holds ${what}, with a warning that says so`, async () => {
      const first = writeFcs({ ...small, keywords: { $NEXTDATA: String(size).padStart(10) } })
      const file = new Uint8Array([...first, ...bytes])
      const { description } = await scanFile(file)
      expect(description.data_sets).toEqual([])
      expect(description.warnings.map(({ code }) => code)).toEqual(['next_data'])
      expect(description.warnings[0]?.message).toContain(`byte ${size}`)
    })
  }

  test('of which the last is cut off are refused, as a file that is cut off', async () => {
    const file = writeDataSets([small, counts])
    // A file that ends with its first data set may have $NEXTDATA all the same.
    for (let length = size + 3; length < file.length; length++) {
      expect(await refusal(file.slice(0, length))).toBe('truncated')
    }
  })

  test('that would go round in circles, or lie in one another, are not followed', async () => {
    const at = (next: number) => ({ ...small, keywords: { $NEXTDATA: String(next).padStart(10) } })
    const circle = writeDataSets([at(size), at(-size)])
    const { description } = await scanFile(circle)
    expect(description.data_sets).toHaveLength(1)
    expect(description.data_sets[0]?.warnings).toEqual([])
    expect(description.warnings.map(({ code }) => code)).toEqual(['next_data'])
  })

  test('of more than a thousand are read to the thousandth', async () => {
    const tiny: FcsSpec = { parameters: [{ name: 'A' }], columns: [[1]] }
    const file = writeDataSets(Array.from({ length: 1001 }, () => tiny))
    const { description } = await scanFile(file)
    expect(description.data_sets).toHaveLength(999)
    expect(description.warnings.map(({ code }) => code)).toEqual(['next_data'])
  })

  test('of which the first is unreadable are refused', async () => {
    const file = writeDataSets([{ ...small, header: headerField(2, 'x') }, small])
    await expect(scanFile(file)).rejects.toBeInstanceOf(FcsError)
  })
})
