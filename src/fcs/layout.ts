import { FcsError, type FcsWarning } from './errors.ts'
import { HEADER_BYTES, type Header, type Segment, segment } from './header.ts'
import {
  type Keywords,
  MOST_PARAMETERS,
  optional,
  optionalInteger,
  optionalNumber,
  required,
  requiredInteger,
  requiredNumber,
} from './keywords.ts'

/** Where the events of a data set are and how their values are stored. */
export type DataLayout = {
  /** Of the first event, from the start of the file. */
  offset: number
  datatype: 'F' | 'D' | 'I'
  byteOrder: 'little' | 'big'
  /** Width of every value: 16 or 32 for `I`, 32 for `F`, 64 for `D`. */
  bits: 16 | 32 | 64
  /** One per parameter: what integers are ANDed with, null where every bit counts. */
  masks: (number | null)[]
}

type Format = Omit<DataLayout, 'offset'>

/** Counts of events are 32 bits wide. */
const MOST_EVENTS = 2 ** 32 - 1

export function eventBytes(format: Format): number {
  return (format.bits / 8) * format.masks.length
}

/**
 * Works out how the data set that starts at byte `base` stores its events. Only what HEADER and
 * TEXT say is checked here; whether the file is as long as they claim, its end will tell.
 */
export function resolveLayout(
  header: Header,
  keywords: Keywords,
  base: number,
): { layout: DataLayout; totalEvents: number; warnings: FcsWarning[] } {
  const warnings: FcsWarning[] = []
  const format = resolveFormat(keywords, warnings)
  if (header.version === 'FCS3.2') requireOneDatatype(keywords, format)
  const { begin, totalEvents } = locateEvents(header, keywords, eventBytes(format), warnings)
  if (totalEvents > MOST_EVENTS) {
    throw new FcsError('too_large', `More than ${MOST_EVENTS} events can't be read.`)
  }
  return { layout: { offset: base + begin, ...format }, totalEvents, warnings }
}

function resolveFormat(keywords: Keywords, warnings: FcsWarning[]): Format {
  requireListMode(keywords, warnings)
  const count = requiredInteger(keywords, '$PAR')
  if (count < 1 || count > MOST_PARAMETERS) {
    throw new FcsError('keyword', `$PAR must be from 1 to ${MOST_PARAMETERS}.`)
  }
  const datatype = required(keywords, '$DATATYPE').toUpperCase()
  const byteOrder = readByteOrder(keywords)
  const names = (suffix: string) => Array.from({ length: count }, (_, i) => `$P${i + 1}${suffix}`)
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
function requireOneDatatype(keywords: Keywords, { datatype, masks }: Format): void {
  for (const name of masks.map((_, i) => `$P${i + 1}DATATYPE`)) {
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

function locateEvents(
  header: Header,
  keywords: Keywords,
  width: number,
  warnings: FcsWarning[],
): { begin: number; totalEvents: number } {
  const total = optionalInteger(keywords, '$TOT')
  if (total !== null && total < 0) throw new FcsError('tot', '$TOT is negative.')
  const begin = optionalInteger(keywords, '$BEGINDATA') ?? 0
  const end = optionalInteger(keywords, '$ENDDATA') ?? 0
  const written = [header.data, segment(begin, end)].filter((pair) => pair !== null)
  if (written.length === 0 && total === 0) return { begin: 0, totalEvents: 0 }

  const found = bestFit(written, header.text, total, width)
  const length = found.end - found.begin + 1
  const totalEvents = total ?? Math.floor(length / width)
  const spare = length - totalEvents * width
  const disagree = written.some((pair) => pair.begin !== found.begin || pair.end !== found.end)
  if (disagree) {
    const message = `HEADER and TEXT disagree on where DATA is; bytes ${found.begin} to ${found.end} fit.`
    warnings.push({ code: 'data_offsets_disagree', message })
  }
  if (total === null) {
    const message = `$TOT is missing; DATA holds ${totalEvents} events.`
    warnings.push({ code: 'tot_missing', message })
  } else if (spare === 1) {
    warnings.push({ code: 'data_end', message: 'The end of DATA is given one byte too far.' })
  } else if (spare > 1) {
    if (warnings.some(({ code }) => code === 'pnb')) {
      throw new FcsError('bits', '$PnB contradicts $DATATYPE and DATA is too long for $TOT events.')
    }
    const message = `DATA is ${spare} bytes longer than the ${total} events of $TOT, which are read.`
    warnings.push({ code: 'tot_smaller', message })
  }
  return { begin: found.begin, totalEvents }
}

/** Best first: exactly as long as the events, one byte more, longer. */
type Fit = 3 | 2 | 1 | 0

/**
 * Of the positions that HEADER and TEXT give for DATA, those whose length fits the events; HEADER's
 * on a tie. Real files that disagree are read rightly so, which neither place alone achieves.
 */
function bestFit(pairs: Segment[], text: Segment, total: number | null, width: number): Segment {
  let best: { pair: Segment; fit: Fit } | null = null
  for (const pair of pairs) {
    const fit = fitOf(pair, text, total, width)
    if (fit > (best?.fit ?? 0)) best = { pair, fit }
  }
  if (best) return best.pair
  if (pairs.length === 0) {
    throw new FcsError('offsets', 'Neither HEADER nor TEXT says where DATA is.')
  }
  const places = pairs.map((pair) => `${pair.begin} to ${pair.end}`).join(' or ')
  throw new FcsError(
    total === null ? 'offsets' : 'tot',
    total === null
      ? `$TOT is missing and DATA (bytes ${places}) is no whole number of events of ${width} bytes.`
      : `$TOT claims ${total} events of ${width} bytes, more than DATA (bytes ${places}) holds.`,
  )
}

function fitOf(pair: Segment, text: Segment, total: number | null, width: number): Fit {
  const length = pair.end - pair.begin + 1
  const spare = total === null ? length % width : length - total * width
  // TEXT may end one byte too far as well, on the first byte of DATA.
  const isInText = pair.begin < text.end && pair.end > text.begin
  if (pair.begin < HEADER_BYTES || isInText || spare < 0) return 0
  if (spare === 0) return 3
  if (spare === 1) return 2
  return total === null ? 0 : 1
}
