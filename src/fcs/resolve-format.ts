import { endianness, placesOf, readByteOrder } from './byte-order.ts'
import { FcsError, type FcsWarning } from './errors.ts'
import type { AsciiFormat, BinaryFormat, Channel, Format } from './format.ts'
import {
  type Keywords,
  MOST_PARAMETERS,
  optional,
  optionalNumber,
  required,
  requiredInteger,
} from './keywords.ts'
import { maskBits } from './mask.ts'

/** More characters than a number has. */
const WIDEST_NUMBER = 64

/**
 * Reads from TEXT how values are stored, and refuses what can't be read; departures survived are
 * added to `warnings`. Integers whose width is no whole number of bytes may be padded in two ways:
 * of such `formats` the one that fits DATA holds, and none without a fit (`mustFit`).
 */
export function resolveFormats(
  version: string,
  keywords: Keywords,
  warnings: FcsWarning[],
): { formats: [Format, ...Format[]]; mustFit: boolean } {
  requireListMode(keywords, warnings)
  const count = requiredInteger(keywords, '$PAR')
  if (count < 1 || count > MOST_PARAMETERS) {
    throw new FcsError('keyword', `$PAR must be from 1 to ${MOST_PARAMETERS}.`)
  }
  const datatypes = readDatatypes(version, keywords, count)
  const binary = datatypes.filter((datatype) => datatype !== 'A')
  if (binary.length === 0) return { formats: [asciiFormat(keywords, count)], mustFit: false }
  const order = readByteOrder(version, keywords, warnings)
  const written = binary.map((datatype, i) => readWidth(keywords, datatype, i + 1, warnings))
  const padded = (toBits: (bits: number) => number): BinaryFormat => {
    const channels = binary.map((datatype, i): Channel => {
      const bits = toBits(written[i] ?? 0)
      if (datatype !== 'I') return { datatype, bits, mask: null }
      return { datatype, bits, mask: maskBits(required(keywords, `$P${i + 1}R`), i + 1, bits) }
    })
    return binaryFormat(channels, order)
  }
  if (written.every((bits) => bits % 8 === 0)) {
    return { formats: [padded((bits) => bits)], mustFit: false }
  }
  return {
    formats: [
      padded((bits) => 8 * 2 ** Math.ceil(Math.log2(bits / 8))),
      padded((bits) => 8 * Math.ceil(bits / 8)),
    ],
    mustFit: true,
  }
}

function requireListMode(keywords: Keywords, warnings: FcsWarning[]): void {
  const mode = optional(keywords, '$MODE')?.toUpperCase()
  if (mode === undefined) {
    warnings.push({ code: 'mode_missing', message: '$MODE is missing; list mode is assumed.' })
  } else if (mode !== 'L') {
    throw new FcsError('mode', 'Only list mode ($MODE L) can be read, not histograms.')
  }
}

type Datatype = 'F' | 'D' | 'I' | 'A'

/** One per parameter; FCS 3.2 lets `$PnDATATYPE` give a parameter one of its own. */
function readDatatypes(version: string, keywords: Keywords, count: number): Datatype[] {
  const common = datatypeOf(required(keywords, '$DATATYPE'), '$DATATYPE')
  return Array.from({ length: count }, (_, i) => {
    const name = `$P${i + 1}DATATYPE`
    const own = version === 'FCS3.2' ? optional(keywords, name) : null
    const datatype = own === null ? common : datatypeOf(own, name)
    if (datatype !== common && (datatype === 'A' || common === 'A')) {
      throw new FcsError('datatype', `${name} mixes text with other values.`)
    }
    return datatype
  })
}

function datatypeOf(value: string, name: string): Datatype {
  const datatype = value.toUpperCase()
  if (datatype === 'F' || datatype === 'D' || datatype === 'I' || datatype === 'A') return datatype
  throw new FcsError('datatype', `${name} must be F, D, I or A.`)
}

function readWidth(
  keywords: Keywords,
  datatype: Datatype,
  n: number,
  warnings: FcsWarning[],
): number {
  const name = `$P${n}B`
  if (datatype === 'I') {
    const bits = requiredInteger(keywords, name)
    if (bits >= 1 && bits <= 64) return bits
    throw new FcsError('bits', `Integers of ${bits} bits (${name}) can't be read: only up to 64.`)
  }
  const bits = datatype === 'F' ? 32 : 64
  const isFirst = !warnings.some(({ code }) => code === 'pnb')
  if (optionalNumber(keywords, name) !== bits && isFirst) {
    const message = `${name} is not ${bits}, the width of every value of this $DATATYPE.`
    warnings.push({ code: 'pnb', message })
  }
  return bits
}

function binaryFormat(channels: Channel[], order: number[]): BinaryFormat {
  const [first = { datatype: 'I', bits: 0 }] = channels
  const { datatype, bits } = first
  const isUniform = channels.every((own) => own.datatype === datatype && own.bits === bits)
  const byteOrder = endianness(order)
  if (isUniform && byteOrder !== null && (bits === 16 || bits === 32 || datatype === 'D')) {
    const masks = channels.map(({ mask }) => (mask === null ? null : 2 ** mask - 1))
    return { datatype, byteOrder, bits: bits === 16 || bits === 32 ? bits : 64, masks }
  }
  const odd = channels.find((own) => placesOf(order, own.bits / 8) === null)
  if (odd) {
    throw new FcsError('byte_order', `$BYTEORD says nothing of values of ${odd.bits / 8} bytes.`)
  }
  return { datatype: 'mixed', byteOrder: order, channels }
}

/** `$PnB` counts characters, or is `*` where separators end each number. */
function asciiFormat(keywords: Keywords, length: number): AsciiFormat {
  const names = Array.from({ length }, (_, i) => `$P${i + 1}B`)
  if (names.every((name) => required(keywords, name) === '*')) {
    return { datatype: 'A', widths: null, parameters: length }
  }
  const widths = names.map((name) => requiredInteger(keywords, name))
  const odd = names.find((_, i) => !((widths[i] ?? 0) >= 1 && (widths[i] ?? 0) <= WIDEST_NUMBER))
  if (odd === undefined) return { datatype: 'A', widths, parameters: length }
  throw new FcsError('bits', `${odd} is not a width of 1 to ${WIDEST_NUMBER} characters.`)
}
