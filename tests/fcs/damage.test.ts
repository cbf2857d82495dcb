import { describe, expect, test } from 'bun:test'
import { FcsError } from '../../src/fcs/index.ts'
import type { DataLayout } from '../../src/fcs/layout.ts'
import { integers, small } from '../kit/fcs-examples.ts'
import { readAll, scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeDataSets, writeFcs } from '../kit/fcs-writer.ts'

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
const bases: FcsSpec[] = [
  small,
  { ...small, datatype: 'D', byteOrder: 'big', textAfterData: true },
  { ...integers(16, 1000, [[1, 2, 3]]), delimiter: '/', version: 'FCS2.0' },
  { ...integers(32, 1000, [[1], [2]]), omit: ['$TOT'], keywords: { $COM: 'a|b' } },
  { ...odd, supplement: '', analysis: '' },
  { ...small, version: 'FCS3.2', byteOrder: [3, 4, 1, 2], keywords: { $P2DATATYPE: 'I' } },
  { ...text, parameters: [{ name: 'A', bits: 3 }] },
]

/** A part of these can be lost without a loss of events. */
const loose = [
  writeFcs(odd),
  writeFcs(text),
  writeDataSets([odd, text, small]),
  new Uint8Array([...writeFcs(small), ...new TextEncoder().encode('00012345')]),
]

/** The same whole numbers below `limit` on every run. */
function randomIntegers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

/** What a value takes at least. */
function leastBytes(data: DataLayout): number {
  return data.datatype === 'A' || data.datatype === 'mixed' ? 1 : data.bits / 8
}

/** Reads the file or is refused with an FcsError; anything else fails the test. */
async function isRead(bytes: Uint8Array): Promise<boolean> {
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

const interesting = [...new TextEncoder().encode('0123456789|/$ ,-FDIAPNBR'), 0, 0x80, 0xff]

describe('a damaged file is read or refused, and nothing else', () => {
  for (const [i, file] of [...bases.map(writeFcs), ...loose].entries()) {
    test(`file ${i}, with one to four bytes changed`, async () => {
      const random = randomIntegers(i + 1)
      let read = 0
      for (let round = 0; round < 1500; round++) {
        const damaged = file.slice()
        for (let change = random(4); change >= 0; change--) {
          const byte =
            random(2) === 0 ? random(256) : (interesting[random(interesting.length)] ?? 0)
          damaged[random(file.length)] = byte
        }
        if (await isRead(damaged)) read++
      }
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(1500)
    })

    if (i < bases.length)
      test(`file ${i}, cut off at any byte, is refused`, async () => {
        for (let length = 0; length < file.length; length++) {
          const isWhole = await isRead(file.slice(0, length))
          // A TEXT at the end of the file may miss its last delimiter.
          if (isWhole) expect(length).toBe(file.length - 1)
        }
      })

    test(`file ${i}, with a piece left out, doubled or put elsewhere`, async () => {
      const random = randomIntegers(i + 100)
      let refused = 0
      for (let round = 0; round < 500; round++) {
        const from = random(file.length)
        const piece = file.slice(from, from + random(40))
        const at = random(file.length)
        const rest = random(2) === 0 ? file.slice(at) : file.slice(at + piece.length)
        const damaged = new Uint8Array([...file.slice(0, at), ...piece, ...rest])
        if (!(await isRead(damaged))) refused++
      }
      expect(refused).toBeGreaterThan(0)
    })
  }
})

describe('a file that claims too much costs nothing', () => {
  const claims: [string, Partial<FcsSpec>][] = [
    ['events', { keywords: { $TOT: '4000000000', $ENDDATA: '99999999999999' } }],
    ['parameters', { keywords: { $PAR: '10000' } }],
    [
      'a place for DATA',
      { keywords: { $BEGINDATA: '90071992547409', $ENDDATA: '90071992547468' } },
    ],
  ]
  for (const [what, change] of claims) {
    test(`of ${what}`, async () => {
      const header = (h: string) => `${h.slice(0, 26)}${'0'.repeat(32)}`
      const before = performance.now()
      expect(await isRead(writeFcs({ ...small, header, ...change }))).toBe(false)
      expect(performance.now() - before).toBeLessThan(1000)
    })
  }
})

test('no reason names a value from the file', async () => {
  const secret = 'patient 4711'
  for (const name of ['$TOT', '$PAR', '$DATATYPE', '$BYTEORD', '$MODE', '$P1B', '$BEGINDATA']) {
    const damaged = writeFcs({ ...integers(16, 1024, [[1]]), keywords: { [name]: secret } })
    const error = await scanFile(damaged).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(FcsError)
    expect(String(error)).not.toContain('4711')
  }
})
