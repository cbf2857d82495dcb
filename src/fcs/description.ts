import { textDepartures } from './departures.ts'
import type { FcsWarning } from './errors.ts'
import type { Header } from './header.ts'
import type { Keywords } from './keywords.ts'
import { type DataLayout, resolveLayout } from './layout.ts'
import { type FcsParameter, readParameters } from './parameters.ts'
import type { ChannelStatistics } from './statistics.ts'

/** All that is needed to read events without HEADER and TEXT; JSON holds it without loss. */
export type DataSetDescription = {
  version: string
  total_events: number
  parameters: FcsParameter[]
  /** Name in capitals and value, in the order of the file; those of supplemental TEXT last. */
  keywords: [string, string][]
  /** Those of ANALYSIS, which other programs have worked out. */
  analysis: [string, string][]
  warnings: FcsWarning[]
  data: DataLayout
}

/** A data set behind the first of its file. */
export type FurtherDataSet = DataSetDescription & {
  /** Where it begins in the file. */
  offset: number
  statistics: ChannelStatistics[]
}

/** The first data set of a file, and those that follow it. */
export type FcsDescription = DataSetDescription & { data_sets: FurtherDataSet[] }

/** Describes the data set that starts at byte `base` of the file, from its HEADER and TEXT. */
export function describeDataSet(
  header: Header,
  text: { keywords: Keywords; warnings: FcsWarning[] },
  base: number,
): DataSetDescription {
  const { keywords } = text
  const { layout, totalEvents, warnings } = resolveLayout(header, keywords, base)
  const { parameters, warnings: parameterWarnings } = readParameters(keywords, layout)
  return {
    version: header.version,
    total_events: totalEvents,
    parameters,
    keywords: [...keywords],
    analysis: [],
    warnings: [
      ...[...text.warnings, ...warnings, ...parameterWarnings],
      ...textDepartures(keywords, parameters.length),
    ],
    data: layout,
  }
}
