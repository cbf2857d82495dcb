import { describe, expect, test } from 'bun:test'
import { integers, small, smallEvents } from '../kit/fcs-examples.ts'
import { readExactly, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

async function events(file: Uint8Array): Promise<(number | bigint)[][]> {
  return readExactly(file, (await scanFile(file)).description)
}

describe('$BYTEORD', () => {
  const orders: [number[], number, number[], bigint][] = [
    [[3, 4, 1, 2], 32, [0x33, 0x44, 0x11, 0x22], 0x44332211n],
    [[2, 1, 4, 3], 32, [0x22, 0x11, 0x44, 0x33], 0x44332211n],
    [[3, 4, 1, 2], 16, [0x11, 0x22], 0x2211n],
    [[2, 1, 4, 3], 16, [0x22, 0x11], 0x2211n],
    [[2, 1, 4, 3], 8, [0x7f], 0x7fn],
    [[2, 3, 1], 24, [0x22, 0x33, 0x11], 0x332211n],
    [[1, 2, 3, 4], 24, [0x11, 0x22, 0x33], 0x332211n],
    [[4, 3, 2, 1], 64, [0, 0, 0, 0, 0, 0, 1, 2], 258n],
    [[5, 6, 7, 8, 1, 2, 3, 4], 64, [5, 0, 0, 0, 9, 0, 0, 0], 5n * 2n ** 32n + 9n],
  ]
  for (const [order, bits, bytes, value] of orders) {
    test(`${order} in ${bits} bits makes ${bytes} ${value}`, async () => {
      const little = bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)
      const parameters = [{ name: 'A', bits, range: 2n ** BigInt(bits) }]
      const keywords = { $BYTEORD: order.join() }
      // Little-endian here, so that the bytes are in DATA as they stand above.
      const file = writeFcs({ datatype: 'I', parameters, keywords, columns: [[little, little]] })
      expect((await events(file)).flat().map(BigInt)).toEqual([value, value])
    })
  }

  for (const order of [
    [3, 4, 1, 2],
    [2, 1, 4, 3],
    [1, 3, 2, 4],
  ]) {
    test(`${order} is read in floating point too`, async () => {
      expect(await events(writeFcs({ ...small, byteOrder: order }))).toEqual(smallEvents)
    })
  }

  test('that is new to FCS 3.1 is a departure there, and none before', async () => {
    const spec: FcsSpec = { ...small, byteOrder: [3, 4, 1, 2] }
    expect(await warnings(writeFcs({ ...spec, version: 'FCS3.1' }))).toEqual(['byte_order'])
    expect(await warnings(writeFcs({ ...spec, version: 'FCS3.0' }))).toEqual([])
  })

  for (const [order, bits] of [
    ['3,4,1,2', 24],
    ['1,3,2,4', 16],
    ['3,4,1,2', 64],
  ] as const) {
    test(`${order} means nothing for ${bits} bits, and is refused`, async () => {
      const spec = integers(bits, 1024, [[1, 2]])
      const file = writeFcs({ ...spec, keywords: { $BYTEORD: order } })
      expect(await refusal(file)).toBe('byte_order')
    })
  }
})
