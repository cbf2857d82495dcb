import { refuseField } from '../errors.ts'
import type { ChannelStatistics, DataSetDescription, FcsDescription } from '../fcs/index.ts'

/** A row that is older than the reading of further data sets has none. */
export type StoredDescription = Omit<FcsDescription, 'data_sets' | 'analysis'> &
  Partial<FcsDescription>

/** What a file's description says of a data set of it. */
export function dataSetItem(
  description: Omit<StoredDescription, 'data_sets'> & { offset?: number },
  number: number,
) {
  const {
    offset = 0,
    version,
    total_events,
    parameters,
    keywords,
    analysis,
    warnings,
  } = description
  return {
    data_set: number,
    offset,
    version,
    total_events,
    total_parameters: parameters.length,
    keywords: Object.fromEntries(keywords),
    analysis: Object.fromEntries(analysis ?? []),
    warnings,
  }
}

export function dataSetItems(description: StoredDescription) {
  return [description, ...(description.data_sets ?? [])].map((dataSet, i) =>
    dataSetItem(dataSet, i + 1),
  )
}

/** The data set of this number, from 1. */
export function chosenDataSet(
  description: StoredDescription,
  number: number,
): Omit<DataSetDescription, 'analysis'> {
  return number === 1 ? description : furtherDataSet(description, number)
}

export function statisticsOf(
  { description, statistics }: { description: StoredDescription; statistics: ChannelStatistics[] },
  number: number,
): { total_events: number; statistics: ChannelStatistics[] } {
  if (number === 1) return { total_events: description.total_events, statistics }
  const further = furtherDataSet(description, number)
  return { total_events: further.total_events, statistics: further.statistics }
}

function furtherDataSet({ data_sets = [] }: StoredDescription, number: number) {
  const found = data_sets[number - 2]
  if (found === undefined) throw refuseField('data_set', 'the number of a data set of this file')
  return found
}
