import { describe, expect, test } from 'bun:test'
import { FcsError } from '../../src/fcs/index.ts'
import { integers, small } from '../kit/fcs-examples.ts'
import { scanFile } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'
import { bases, isRead, loose, randomIntegers } from './damaged.ts'

const interesting = [...new TextEncoder().encode('0123456789|/$ ,-FDIAPNBR'), 0, 0x80, 0xff]

describe('security 22: a damaged file is read or refused, and nothing else', () => {
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
      expect(await isRead(writeFcs({ ...small, header, ...change }))).toBe(false)
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
