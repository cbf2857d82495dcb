import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { createDecoder } from '../../src/fcs/decoder.ts'

/** The first and last bytes of every range that UTF-8 knows, so that many sequences are nearly right. */
const edges = [
  ...[0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1],
  ...[0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
]

test('text is UTF-8 where the platform’s strict decoder says so, and Latin-1 elsewhere', () => {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const expected = (bytes: Uint8Array) => {
    try {
      return { text: strict.decode(bytes), latin1: false }
    } catch {
      return { text: String.fromCharCode(...bytes), latin1: true }
    }
  }
  const stray = fc.constantFrom(...edges).map((byte) => [byte])
  const character = fc
    .string({ unit: 'binary', maxLength: 1 })
    .map((text) => [...Buffer.from(text)])
  const bytes = fc.array(fc.oneof(stray, character), { maxLength: 4 })
  fc.assert(
    fc.property(bytes, (pieces) => {
      const list = pieces.flat()
      const decoder = createDecoder()
      const text = decoder.decode(Uint8Array.from(list))
      const latin1 = decoder.usedLatin1()
      expect({ text, latin1 }).toEqual(expected(Uint8Array.from(list)))
    }),
    { numRuns: 5000 },
  )
})
