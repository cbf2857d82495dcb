import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { covered, nameOf, type Piece, pieceOf, ranges } from '../../src/uploads/pieces.ts'

const piece = fc
  .tuple(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 20 }))
  .map(([from, length]): Piece => ({ from, to: from + length }))
const somePieces = fc.array(piece, { maxLength: 25 })
const sizeOf = (pieces: Piece[]) => covered(pieces).at(-1)?.to ?? 0

/** The plain way: byte for byte. */
const plainSize = (pieces: Piece[]) => {
  let at = 0
  while (pieces.some(({ from, to }) => from <= at && at < to)) at++
  return at
}

test('an upload has as many bytes as its pieces have from the beginning on without a gap, each of them once', () => {
  fc.assert(
    fc.property(somePieces, (pieces) => {
      expect(sizeOf(pieces)).toBe(plainSize(pieces))
      let at = 0
      for (const { piece, from, to } of covered(pieces)) {
        expect(pieces).toContain(piece)
        expect([from, piece.from <= from, from < to, to <= piece.to]).toEqual([
          at,
          ...Array(3).fill(true),
        ])
        at = to
      }
    }),
  )
})

test('one piece more never takes a byte away', () => {
  fc.assert(
    fc.property(somePieces, piece, (pieces, late) => {
      expect(sizeOf([late, ...pieces])).toBeGreaterThanOrEqual(sizeOf(pieces))
    }),
  )
})

test('the requests that read an upload give all of its bytes in order, and no one of them many', () => {
  const large = fc
    .tuple(fc.nat({ max: 20_000_000 }), fc.integer({ min: 1, max: 9_000_000 }))
    .map(([from, length]): Piece => ({ from, to: from + length }))
  fc.assert(
    fc.property(fc.array(large, { maxLength: 9 }), (others) => {
      const pieces = [{ from: 0, to: 8_400_000 }, ...others]
      let at = 0
      for (const { name, offset, length } of ranges(covered(pieces))) {
        const piece = pieceOf(name)
        if (!piece) throw new Error(name)
        expect(piece.from + offset).toBe(at)
        expect(length).toBeWithin(1, 2 * 1024 * 1024 + 1)
        at += length
        expect(at).toBeLessThanOrEqual(piece.to)
      }
      expect(at).toBe(plainSizeOfLarge(pieces))
    }),
  )
})

const plainSizeOfLarge = (pieces: Piece[]) => {
  let size = 0
  for (let more = true; more; ) {
    const next = Math.max(...pieces.filter(({ from }) => from <= size).map(({ to }) => to))
    more = next > size
    size = Math.max(size, next)
  }
  return size
}

test('names sort as their pieces do, and other names are none', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      const [one, two] = [a, b].map((from) => nameOf({ from, to: Number.MAX_SAFE_INTEGER }))
      expect(String(one) < String(two)).toBe(a < b)
      expect(pieceOf(String(one))?.from).toBe(a)
    }),
  )
  expect(pieceOf('0000000000000000-0000000000000009.part')).toBeNull()
})
