import { expect, test } from 'bun:test'
import { createDecoder } from '../../src/fcs/decoder.ts'

/** The first and last bytes of every range that UTF-8 knows (Unicode, table 3-7). */
const edges = [
  ...[0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1],
  ...[0xec, 0xed, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5],
]

/** Every sequence of so many of these bytes. */
function* sequences(length: number): Generator<number[]> {
  if (length === 0) return yield []
  for (const rest of sequences(length - 1)) for (const byte of edges) yield [...rest, byte]
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function expected(bytes: Uint8Array) {
  try {
    return { text: strict.decode(bytes), latin1: false }
  } catch {
    return { text: String.fromCharCode(...bytes), latin1: true }
  }
}

test('text is UTF-8 where the platform’s strict decoder says so, and Latin-1 elsewhere', () => {
  const wrong: number[][] = []
  const fours = [...sequences(4)].filter(([first = 0]) => first >= 0xf0)
  for (const list of [...[1, 2, 3].flatMap((length) => [...sequences(length)]), ...fours]) {
    const bytes = Uint8Array.from(list)
    const decoder = createDecoder()
    const { text, latin1 } = expected(bytes)
    if (decoder.decode(bytes) !== text || decoder.usedLatin1() !== latin1) wrong.push(list)
  }
  expect(wrong).toEqual([])
})
