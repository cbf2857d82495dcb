import { FcsError, type FcsWarning } from './errors.ts'
import { channelCount, eventBytes, type Format, storedAs } from './format.ts'
import { HEADER_BYTES, type Header, type Segment, segment } from './header.ts'
import { type Keywords, optionalInteger } from './keywords.ts'
import { resolveFormats } from './resolve-format.ts'

/** Where the events of a data set are and how their values are stored. */
export type DataLayout = Format & {
  /** Of the first event, from the start of the file. */
  offset: number
  /** Bytes of DATA, where events are of no fixed length. */
  length?: number
  /** Where every 65,536th event begins, from `offset`, where events are of no fixed length. */
  checkpoints?: number[]
}

/** Counts of events are 32 bits wide. */
const MOST_EVENTS = 2 ** 32 - 1

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
  const { formats, mustFit } = resolveFormats(header.version, keywords, warnings)
  const places = readPlaces(header, keywords)
  const format = mustFit ? formats.find((padded) => fitsExactly(places, padded)) : formats[0]
  if (format === undefined) {
    const message =
      'A $PnB is no whole number of bytes, and DATA is not as long as if each value filled some up.'
    throw new FcsError('bits', message)
  }
  if (mustFit) {
    const message = 'A $PnB is no whole number of bytes; each value fills some up, as DATA shows.'
    warnings.push({ code: 'pnb', message })
  }
  const found = locateEvents(places, format, warnings)
  if (found.totalEvents > MOST_EVENTS) {
    throw new FcsError('too_large', `More than ${MOST_EVENTS} events can't be read.`)
  }
  const place = { offset: base + found.begin }
  const layout =
    eventBytes(format) === 0
      ? { ...format, ...place, length: found.length, checkpoints: [] }
      : { ...format, ...place }
  return { layout, totalEvents: found.totalEvents, warnings }
}

/** What HEADER and TEXT say of DATA. */
type Places = { total: number | null; text: Segment; written: Segment[] }

function readPlaces(header: Header, keywords: Keywords): Places {
  const total = optionalInteger(keywords, '$TOT')
  if (total !== null && total < 0) throw new FcsError('tot', '$TOT is negative.')
  const begin = optionalInteger(keywords, '$BEGINDATA') ?? 0
  const end = optionalInteger(keywords, '$ENDDATA') ?? 0
  const written = [header.data, segment(begin, end)].filter((pair) => pair !== null)
  return { total, text: header.text, written }
}

function fitsExactly({ total, text, written }: Places, format: Format): boolean {
  if (total === null) return false
  if (total === 0) return written.length === 0
  return written.some((pair) => fitOf(pair, text, total, format) >= 2)
}

function locateEvents(
  { total, text, written }: Places,
  format: Format,
  warnings: FcsWarning[],
): { begin: number; length: number; totalEvents: number } {
  if (written.length === 0 && total === 0) return { begin: 0, length: 0, totalEvents: 0 }
  const found = bestFit(written, text, total, format)
  const length = found.end - found.begin + 1
  const disagree = written.some((pair) => pair.begin !== found.begin || pair.end !== found.end)
  if (disagree) {
    const message = `HEADER and TEXT disagree on where DATA is; bytes ${found.begin} to ${found.end} fit.`
    warnings.push({ code: 'data_offsets_disagree', message })
  }
  const width = eventBytes(format)
  const totalEvents = total ?? Math.floor(length / width)
  const spare = width === 0 ? 0 : length - totalEvents * width
  if (total === null) {
    const message = `$TOT is missing; DATA holds ${totalEvents} events.`
    warnings.push({ code: 'tot_missing', message })
  } else if (spare === 1) {
    warnings.push({ code: 'data_end', message: 'The end of DATA is given one byte too far.' })
  } else if (spare > 1) {
    if (warnings.some(({ code }) => code === 'pnb')) {
      throw new FcsError('bits', '$PnB contradicts $DATATYPE and DATA is too long for $TOT events.')
    }
    if (isOfOtherWidth(length, total, format)) {
      const each = Math.floor(length / total)
      const message = `DATA is as long as ${total} events of ${each} bytes, but $PnB say ${width}.`
      throw new FcsError('bits', message)
    }
    const message = `DATA is ${spare} bytes longer than the ${total} events of $TOT, which are read.`
    warnings.push({ code: 'tot_smaller', message })
  }
  return { begin: found.begin, length, totalEvents }
}

/** Whether DATA holds just `$TOT` integer events, but wider ones than `$PnB` say, not more of them. */
function isOfOtherWidth(length: number, total: number, format: Format): boolean {
  if (total < 2 || storedAs(format, 0).datatype !== 'I') return false
  return length % total <= 1 && length % eventBytes(format) > 1
}

/** Best first: exactly as long as the events, one byte more, longer. */
type Fit = 3 | 2 | 1 | 0

/**
 * Of the positions that HEADER and TEXT give for DATA, those whose length fits the events; HEADER's
 * on a tie. Real files that disagree are read rightly so, which neither place alone achieves.
 */
function bestFit(pairs: Segment[], text: Segment, total: number | null, format: Format): Segment {
  let best: { pair: Segment; fit: Fit } | null = null
  for (const pair of pairs) {
    const fit = fitOf(pair, text, total, format)
    if (fit > (best?.fit ?? 0)) best = { pair, fit }
  }
  if (best) return best.pair
  if (pairs.length === 0) {
    throw new FcsError('offsets', 'Neither HEADER nor TEXT says where DATA is.')
  }
  const places = pairs.map((pair) => `${pair.begin} to ${pair.end}`).join(' or ')
  const width = eventBytes(format)
  const size = width === 0 ? '' : ` of ${width} bytes`
  throw new FcsError(
    total === null ? 'offsets' : 'tot',
    total === null
      ? `$TOT is missing and DATA (bytes ${places}) is no whole number of events${size}.`
      : `$TOT claims ${total} events${size}, more than DATA (bytes ${places}) holds.`,
  )
}

function fitOf(pair: Segment, text: Segment, total: number | null, format: Format): Fit {
  const length = pair.end - pair.begin + 1
  // TEXT may end one byte too far as well, on the first byte of DATA.
  const isInText = pair.begin < text.end && pair.end > text.begin
  if (pair.begin < HEADER_BYTES || isInText) return 0
  const width = eventBytes(format)
  if (width === 0) {
    // A digit for each value and a separator between two; what they hold only DATA tells.
    const least = 2 * (total ?? Infinity) * channelCount(format) - 1
    return least <= length ? 1 : 0
  }
  const spare = total === null ? length % width : length - total * width
  if (spare < 0) return 0
  if (spare === 0) return 3
  if (spare === 1) return 2
  return total === null ? 0 : 1
}
