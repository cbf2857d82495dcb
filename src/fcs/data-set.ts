import { crcWarnings } from './crc.ts'
import { type DataSetDescription, describeDataSet } from './description.ts'
import { FcsError, type FcsWarning } from './errors.ts'
import { eventBytes } from './format.ts'
import type { Header, Segment } from './header.ts'
import type { Keywords } from './keywords.ts'
import { createMeasurement } from './measurement.ts'
import { readAnalysis, readSupplement } from './segments.ts'
import type { ByteSource } from './source.ts'
import { type ChannelStatistics, channelStatistics, maskedWarnings } from './statistics.ts'
import { readText } from './text.ts'

const READ_BYTES = 512 * 1024

/** A data set whose HEADER and TEXT are read. */
export type DataSet = {
  /** Where it begins in the file. */
  base: number
  header: Header
  text: { keywords: Keywords; warnings: FcsWarning[]; delimiter: number }
  description: DataSetDescription
  /** Where its events are in the file; null without any. */
  data: Segment | null
  measurement: ReturnType<typeof createMeasurement>
}

/** Reads TEXT; `found` are departures that it can't show itself. */
export function openDataSet(
  header: Header,
  text: Uint8Array,
  base: number,
  found: FcsWarning[] = [],
): DataSet {
  const { keywords, warnings } = readText(text)
  return open(
    header,
    { keywords, warnings: [...found, ...warnings], delimiter: text[0] ?? 0 },
    base,
  )
}

function open(header: Header, text: DataSet['text'], base: number): DataSet {
  const description = describeDataSet(header, text, base)
  const { data: layout, total_events } = description
  const length = layout.length ?? eventBytes(layout) * total_events
  const data = length > 0 ? { begin: layout.offset, end: layout.offset + length - 1 } : null
  const measurement = createMeasurement(layout, total_events)
  return { base, header, text, description, data, measurement }
}

/**
 * Completes a data set from the stored file. `isMeasured` says that its events were pushed to the
 * measurement as they came by.
 */
export async function finishDataSet(
  source: ByteSource,
  opened: DataSet,
  isMeasured: boolean,
): Promise<{ description: DataSetDescription; statistics: ChannelStatistics[]; end: number }> {
  const { header, base } = opened
  const place = { source, base, delimiter: opened.text.delimiter }
  const supplement = await readSupplement(place, header, opened.text.keywords)
  const { description, data, measurement, isPushed } = supplemented(opened, supplement.pairs)
  const analysis = await readAnalysis(place, header, new Map(description.keywords))

  if (data) requireBytes('DATA', data, source.size)
  if (data && !(isMeasured && isPushed)) await pushAll(source, data, measurement)
  while (measurement.endPass()) if (data) await pushAll(source, data, measurement)
  const { measures, checkpoints, hasMore } = measurement.results()

  const ofData = data ? data.end - base : 0
  const end = Math.max(header.text.end, ofData)
  const all = Math.max(end, supplement.end, analysis.end)
  const warnings: FcsWarning[] = [
    ...[...description.warnings, ...supplement.warnings, ...analysis.warnings],
    ...(hasMore ? [MORE_THAN_TOT] : []),
    ...maskedWarnings(measures),
    ...(await crcWarnings(source, base, { data: ofData, all })),
  ]
  return {
    description: {
      ...description,
      analysis: [...analysis.pairs],
      warnings,
      data: description.data.checkpoints ? { ...description.data, checkpoints } : description.data,
    },
    statistics: channelStatistics(description.parameters, measures),
    end,
  }
}

const MORE_THAN_TOT: FcsWarning = {
  code: 'tot_smaller',
  message: 'DATA holds more than the events of $TOT, which are read.',
}

/** The data set with more keywords, of which TEXT's own count first. */
function supplemented(opened: DataSet, pairs: Keywords): DataSet & { isPushed: boolean } {
  if (pairs.size === 0) return { ...opened, isPushed: true }
  const { header, text, base } = opened
  const more = [...pairs].filter(([name]) => !text.keywords.has(name))
  const again = open(header, { ...text, keywords: new Map([...text.keywords, ...more]) }, base)
  const isSame = JSON.stringify(again.description.data) === JSON.stringify(opened.description.data)
  return {
    ...again,
    isPushed: isSame,
    measurement: isSame ? opened.measurement : again.measurement,
  }
}

/** Reads ahead: the next bytes come while these are worked on. */
async function pushAll(
  source: ByteSource,
  { begin, end }: Segment,
  measurement: DataSet['measurement'],
): Promise<void> {
  const read = async (at: number) => source.read(at, Math.min(READ_BYTES, end + 1 - at))
  let next = read(begin)
  for (let at = begin + READ_BYTES; at <= end; at += READ_BYTES) {
    const bytes = await next
    next = read(at)
    // Should the push throw, nobody waits for this any more.
    next.catch(() => {})
    measurement.push(bytes)
  }
  measurement.push(await next)
}

export function requireBytes(name: string, { begin, end }: Segment, size: number): void {
  if (end < size) return
  const message = `${name} is cut off: it needs bytes ${begin} to ${end}, but the file has ${size}.`
  throw new FcsError('truncated', message)
}
