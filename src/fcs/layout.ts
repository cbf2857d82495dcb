import { FcsError, type FcsWarning } from './errors.ts'
import { eventBytes, type Format, resolveFormat } from './format.ts'
import { HEADER_BYTES, type Header, type Segment, segment } from './header.ts'
import { type Keywords, optionalInteger } from './keywords.ts'

/** Where the events of a data set are and how their values are stored. */
export type DataLayout = Format & {
  /** Of the first event, from the start of the file. */
  offset: number
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
  const format = resolveFormat(header.version, keywords, warnings)
  const { begin, totalEvents } = locateEvents(header, keywords, eventBytes(format), warnings)
  if (totalEvents > MOST_EVENTS) {
    throw new FcsError('too_large', `More than ${MOST_EVENTS} events can't be read.`)
  }
  return { layout: { offset: base + begin, ...format }, totalEvents, warnings }
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
