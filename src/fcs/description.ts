import type { FcsWarning } from './errors.ts'
import { HEADER_BYTES, type Header } from './header.ts'
import { type Keywords, optionalNumber } from './keywords.ts'
import { type DataLayout, resolveLayout } from './layout.ts'
import { type FcsParameter, readParameters } from './parameters.ts'
import { readText } from './text.ts'

/** All that is needed to read events without HEADER and TEXT; JSON holds it without loss. */
export type FcsDescription = {
  version: string
  total_events: number
  parameters: FcsParameter[]
  /** Name in capitals and value, in the order of the file. */
  keywords: [string, string][]
  warnings: FcsWarning[]
  data: DataLayout
}

/** Describes the data set that starts at byte `base` of the file, from its HEADER and TEXT. */
export function describeDataSet(header: Header, text: Uint8Array, base: number): FcsDescription {
  const { keywords, warnings } = readText(text)
  const { layout, totalEvents, warnings: layoutWarnings } = resolveLayout(header, keywords, base)
  const { parameters, warnings: parameterWarnings } = readParameters(keywords, layout)
  return {
    version: header.version,
    total_events: totalEvents,
    parameters,
    keywords: [...keywords],
    warnings: [...warnings, ...layoutWarnings, ...parameterWarnings],
    data: layout,
  }
}

/** What `$NEXTDATA` says of further data sets, which are not read, in a file of `size` bytes. */
export function nextDataWarnings(keywords: Keywords, size: number): FcsWarning[] {
  const next = optionalNumber(keywords, '$NEXTDATA') ?? 0
  if (next === 0) return []
  if (next >= HEADER_BYTES && next + HEADER_BYTES <= size) {
    const message = `Another data set begins at byte ${next}; only the first is read.`
    return [{ code: 'more_data_sets', message }]
  }
  const message = '$NEXTDATA points to a place that holds no data set; it is ignored.'
  return [{ code: 'next_data', message }]
}
