import { FcsError, type FcsWarning } from './errors.ts'
import {
  type Keywords,
  MOST_PARAMETERS,
  optional,
  optionalNumber,
  required,
  requiredInteger,
  requiredNumber,
} from './keywords.ts'

/** How the values of a data set are stored. */
export type Format = {
  datatype: 'F' | 'D' | 'I'
  byteOrder: 'little' | 'big'
  /** Width of every value: 16 or 32 for `I`, 32 for `F`, 64 for `D`. */
  bits: 16 | 32 | 64
  /** One per parameter: what integers are ANDed with, null where every bit counts. */
  masks: (number | null)[]
}

export function eventBytes(format: Format): number {
  return (format.bits / 8) * format.masks.length
}

/**
 * Reads from TEXT how values are stored, and refuses what this reader doesn't know. Departures
 * survived are added to `warnings`.
 */
export function resolveFormat(version: string, keywords: Keywords, warnings: FcsWarning[]): Format {
  requireListMode(keywords, warnings)
  const count = requiredInteger(keywords, '$PAR')
  if (count < 1 || count > MOST_PARAMETERS) {
    throw new FcsError('keyword', `$PAR must be from 1 to ${MOST_PARAMETERS}.`)
  }
  const datatype = required(keywords, '$DATATYPE').toUpperCase()
  const byteOrder = readByteOrder(keywords)
  const names = (suffix: string) => Array.from({ length: count }, (_, i) => `$P${i + 1}${suffix}`)
  if (version === 'FCS3.2') requireOneDatatype(keywords, datatype, names('DATATYPE'))
  if (datatype === 'I') {
    const bits = integerBits(names('B').map((name) => requiredInteger(keywords, name)))
    const ranges = names('R').map((name) => requiredNumber(keywords, name))
    return { datatype, byteOrder, bits, masks: ranges.map((range) => bitMask(range, bits)) }
  }
  if (datatype === 'F' || datatype === 'D') {
    const bits = datatype === 'F' ? 32 : 64
    const odd = names('B').find((name) => optionalNumber(keywords, name) !== bits)
    if (odd !== undefined) {
      const message = `${odd} is not ${bits}, the width of every value of this $DATATYPE.`
      warnings.push({ code: 'pnb', message })
    }
    return { datatype, byteOrder, bits, masks: Array.from({ length: count }, () => null) }
  }
  throw new FcsError(
    'datatype',
    datatype === 'A'
      ? 'Data stored as ASCII text ($DATATYPE A) is not supported.'
      : '$DATATYPE must be F, D or I.',
  )
}

function requireListMode(keywords: Keywords, warnings: FcsWarning[]): void {
  const mode = optional(keywords, '$MODE')?.toUpperCase()
  if (mode === undefined) {
    warnings.push({ code: 'mode_missing', message: '$MODE is missing; list mode is assumed.' })
  } else if (mode !== 'L') {
    throw new FcsError('mode', 'Only list mode ($MODE L) can be read, not histograms.')
  }
}

/** FCS 3.2 lets `$PnDATATYPE` give a parameter a datatype of its own. */
function requireOneDatatype(keywords: Keywords, datatype: string, names: string[]): void {
  for (const name of names) {
    const own = optional(keywords, name)?.toUpperCase() ?? datatype
    if (own === datatype) continue
    throw new FcsError('datatype', `${name} differs from $DATATYPE, which is not supported.`)
  }
}

/** `1,2,3,4` and the like, of any length: the standard's need not match the width of the values. */
function readByteOrder(keywords: Keywords): 'little' | 'big' {
  const order = required(keywords, '$BYTEORD').replaceAll(' ', '')
  const ascending = order.split(',').map((_, i) => i + 1)
  if (ascending.length > 1 && order === ascending.join()) return 'little'
  if (ascending.length > 1 && order === ascending.reverse().join()) return 'big'
  throw new FcsError(
    'byte_order',
    '$BYTEORD names a byte order that is neither little-endian (1,2,3,4) nor big-endian (4,3,2,1).',
  )
}

function integerBits(widths: number[]): 16 | 32 {
  const bits = widths[0]
  const other = widths.findIndex((width) => width !== bits)
  if (other >= 0) {
    const message = `Integers of mixed widths ($P1B and $P${other + 1}B differ) are not supported.`
    throw new FcsError('bits', message)
  }
  if (bits === 16 || bits === 32) return bits
  throw new FcsError('bits', `Integers of ${bits} bits ($PnB) are not supported: only 16 and 32.`)
}

/**
 * The bits of an integer that hold its value: up to the power of two that `$PnR` needs, since
 * instruments leave other things in the rest (FCS 3.1 §3.2.20, `$PnR`).
 */
function bitMask(range: number, bits: number): number | null {
  if (range <= 1) return null
  let limit = 2
  while (limit < range && limit < 2 ** bits) limit *= 2
  return limit < 2 ** bits ? limit - 1 : null
}
