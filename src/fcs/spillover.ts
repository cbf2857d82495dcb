import { invert, type Matrix } from './matrix.ts'
import { ConversionError, type Described } from './scale.ts'

/** `$SPILLOVER` is FCS 3.1's; the others are what instruments wrote before there was one. */
const KEYWORDS = ['$SPILLOVER', 'SPILL', 'SPILLOVER', '$COMP']

/** More than any instrument has detectors; inverting takes time with the third power. */
const MOST_CHANNELS = 256

/** Values in float32 hold seven digits: through a matrix worse than this none of them is left. */
const WORST_CONDITION = 1e7

/** What to multiply the measured channels with, as a row, for what each dye alone would have given. */
export type Compensation = {
  /** Positions of the channels, from 0, in the order of the matrix. */
  channels: number[]
  inverse: Matrix
}

/**
 * Reads the spillover matrix of a file, `n,name…,n×n numbers`, and inverts it. A row is a dye, a column is the
 * channel that sees this share of it (FCS 3.1 §3.2.20). Throws ConversionError when there is none to compensate with.
 */
export function readCompensation({ parameters, keywords }: Described): Compensation {
  const given = new Map(keywords)
  const keyword = KEYWORDS.find((name) => given.get(name)?.trim())
  if (keyword === undefined) throw new ConversionError('The file has no spillover matrix.')
  const pieces = (given.get(keyword) ?? '').split(',').map((piece) => piece.trim())
  if (pieces.at(-1) === '') pieces.pop()
  const size = Number(pieces[0])
  if (!Number.isInteger(size) || size < 1 || size > MOST_CHANNELS) {
    throw new ConversionError(`${keyword} must begin with a size from 1 to ${MOST_CHANNELS}.`)
  }
  if (pieces.length === 1 + size * size) {
    // As FCS 3.0 had it in $COMP, and without a word on which way round the matrix is.
    throw new ConversionError(`${keyword} names no channels, so what it compensates is not known.`)
  }
  if (pieces.length !== 1 + size + size * size) {
    throw new ConversionError(`${keyword} must hold ${size} names and ${size} × ${size} numbers.`)
  }
  const positions = new Map(parameters.map(({ pnn }, at) => [pnn, at]))
  const channels = pieces.slice(1, 1 + size).map((name, i) => {
    // Some writers give the number of the parameter in place of its name.
    const at = positions.get(name) ?? (/^\d+$/.test(name) ? Number(name) - 1 : undefined)
    if (at !== undefined && parameters[at] !== undefined) return at
    throw new ConversionError(
      `${keyword} names a channel that the file does not have (no. ${i + 1}).`,
    )
  })
  if (new Set(channels).size < size) {
    throw new ConversionError(`${keyword} names a channel more than once.`)
  }
  const shares = pieces.slice(1 + size)
  const values = Float64Array.from(shares, (share) => (share === '' ? Number.NaN : Number(share)))
  if (!values.every(Number.isFinite)) {
    throw new ConversionError(`${keyword} holds something that is not a number.`)
  }
  const inverted = invert({ size, values })
  if (inverted === null) throw new ConversionError(`${keyword} is singular: it has no inverse.`)
  if (inverted.condition > WORST_CONDITION) {
    throw new ConversionError(`${keyword} is so nearly singular that nothing exact comes of it.`)
  }
  return { channels, inverse: inverted.inverse }
}
