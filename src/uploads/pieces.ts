// The pieces of which an upload consists in S3.
//
// The name of a piece says which bytes of its client's file it has, so one that is stored late is nowhere wrong: that of an
// instance that had stood still and lost its lease, or of a call that S3 carried out without an answer. It may overlap
// others, or be one of them again. There are as many bytes as the pieces have from the beginning on without a gap, and one
// more never makes that fewer: what was acknowledged stays. A client whose file has changed in between gets a
// mixture of both, as with any store of tus, and its SHA-256 says so.

/** Bytes of the file, from `from` on and before `to`. */
export type Piece = { from: number; to: number }
/** What of a piece comes next in the file. */
export type Next = Piece & { piece: Piece }
/** Bytes of the object with this name. */
export type Range = { name: string; offset: number; length: number }

/** Read by one request: small enough for the time that it has over a slow line. */
const RANGE_BYTES = 2 * 1024 * 1024

const DIGITS = 16
const NAME = /^(\d{16})-(\d{16})$/

export const nameOf = ({ from, to }: Piece): string =>
  [from, to].map((at) => String(at).padStart(DIGITS, '0')).join('-')

/** Null for a name that is none of ours. */
export function pieceOf(name: string): Piece | null {
  const [, from, to] = NAME.exec(name) ?? []
  return from && to ? { from: Number(from), to: Number(to) } : null
}

/** The file as far as the pieces have it without a gap: each with what those before it did not have. */
export function covered(pieces: Piece[]): Next[] {
  const next: Next[] = []
  let at = 0
  for (const piece of pieces.toSorted((a, b) => a.from - b.from)) {
    if (piece.from > at) break
    if (piece.to <= at) continue
    next.push({ piece, from: at, to: piece.to })
    at = piece.to
  }
  return next
}

/** In which requests that is read. */
export function* ranges(nexts: Next[]): Generator<Range> {
  for (const { piece, from, to } of nexts) {
    const name = nameOf(piece)
    for (let at = from; at < to; at += RANGE_BYTES) {
      yield { name, offset: at - piece.from, length: Math.min(RANGE_BYTES, to - at) }
    }
  }
}
