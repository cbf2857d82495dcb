import { expect } from 'bun:test'
import { FcsError } from '../../src/fcs/index.ts'
import type { DataLayout } from '../../src/fcs/layout.ts'
import { integers, small } from '../kit/fcs-examples.ts'
import { readAll, scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeDataSets, writeFcs } from '../kit/fcs-writer.ts'
import { randomNumbers } from '../kit/random.ts'

const odd: FcsSpec = {
  ...{ datatype: 'I', byteOrder: 'big', supplement: '|a|b|', analysis: '|c|d|' },
  parameters: [8, 24, 64].map((bits) => ({ name: `C${bits}`, bits, range: 200 })),
  columns: [
    [1, 2],
    [3, 400],
    [5, 6],
  ],
}
const text: FcsSpec = {
  datatype: 'A',
  parameters: [{ name: 'A', keywords: { B: '*' } }],
  columns: [[1, 20, 300]],
}
/** Files whose every event has its place. */
export const bases: FcsSpec[] = [
  small,
  { ...small, datatype: 'D', byteOrder: 'big', textAfterData: true },
  { ...integers(16, 1000, [[1, 2, 3]]), delimiter: '/', version: 'FCS2.0' },
  { ...integers(32, 1000, [[1], [2]]), omit: ['$TOT'], keywords: { $COM: 'a|b' } },
  { ...odd, supplement: '', analysis: '' },
  { ...small, version: 'FCS3.2', byteOrder: [3, 4, 1, 2], keywords: { $P2DATATYPE: 'I' } },
  { ...text, parameters: [{ name: 'A', bits: 3 }] },
]

/** A part of these can be lost without a loss of events. */
export const loose = [
  writeFcs(odd),
  writeFcs(text),
  writeDataSets([odd, text, small]),
  new Uint8Array([...writeFcs(small), ...new TextEncoder().encode('00012345')]),
]

/** The same whole numbers below `limit` on every run. */
export function randomIntegers(seed: number): (limit: number) => number {
  const random = randomNumbers(seed)
  return (limit) => Math.floor(random() * limit)
}

/** What a value takes at least. */
function leastBytes(data: DataLayout): number {
  return data.datatype === 'A' || data.datatype === 'mixed' ? 1 : data.bits / 8
}

/** Reads the file or is refused with an FcsError; anything else fails the test. */
export async function isRead(bytes: Uint8Array): Promise<boolean> {
  try {
    const { description, statistics } = await scanFile(bytes)
    const events = await readAll(bytes, description)
    const values = description.total_events * description.parameters.length
    expect(events.flat().length).toBe(values)
    expect(values * leastBytes(description.data)).toBeLessThanOrEqual(bytes.length)
    expect(JSON.parse(JSON.stringify({ description, statistics }))).toEqual({
      description,
      statistics,
    })
    for (const further of description.data_sets) await readAll(bytes, further)
    return true
  } catch (error) {
    if (error instanceof FcsError) return false
    throw error
  }
}
