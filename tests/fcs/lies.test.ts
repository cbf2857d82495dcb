import { expect, test } from 'bun:test'
import { headerField } from '../kit/fcs-examples.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'
import { bases, isRead, randomIntegers } from './damaged.ts'

const keywords = [
  ...['$TOT', '$PAR', '$BEGINDATA', '$ENDDATA', '$NEXTDATA', '$BEGINSTEXT', '$ENDSTEXT'],
  ...['$BEGINANALYSIS', '$ENDANALYSIS', '$BYTEORD', '$DATATYPE', '$MODE', '$SPILLOVER'],
  ...['$P1B', '$P1R', '$P1N', '$P1E', '$P1G', '$P1DATATYPE', '$P2B', '$P2R', '$TIMESTEP'],
]
const values = [
  ...['', ' ', '0', '-0', '-1', '1', '2', '5', '7', '16', '32', '58', '64', '65', '100', '500'],
  ...['10000', '10001', '99999999', '2147483648', '4294967295', '4294967296', '9007199254740992'],
  ...['18446744073709551616', '1e9', '1e400', '0x10', 'NaN', 'Infinity', '*', 'x', '|', '\0'],
  ...['1,2', '4,3,2,1', '3,4,1,2', '1,1,1,1', '8,7,6,5,4,3,2,1', 'F', 'D', 'I', 'A', 'L', 'C'],
  ...['2,FSC-A,FL1-A,1,0,0,1', '1000000,A', '0,0', '4,1', '-4,0'],
]
const offsets = ['', 'x', 0, -1, 1, 57, 58, 59, 100, 300, 99999999, 88888888]

test('a file that lies in its keywords and offsets is read or refused, and nothing else', async () => {
  const random = randomIntegers(4711)
  const pick = <T>(from: T[]): T | undefined => from[random(from.length)]
  const found = { read: 0, refused: 0 }
  for (let round = 0; round < 2000; round++) {
    const base = pick(bases)
    if (!base) throw new Error('no file to change')
    const lies = Array.from({ length: 1 + random(3) }, () => [pick(keywords), pick(values)])
    const change: Partial<FcsSpec> =
      random(3) > 0
        ? { keywords: { ...base.keywords, ...Object.fromEntries(lies) } }
        : { header: headerField(random(6), pick(offsets) ?? '') }
    found[(await isRead(writeFcs({ ...base, ...change }))) ? 'read' : 'refused']++
  }
  expect(Math.min(found.read, found.refused)).toBeGreaterThan(400)
})
