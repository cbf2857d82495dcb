import { refuseField } from '../errors.ts'
import type { DataSetDescription, FcsDescription } from '../fcs/index.ts'

/** What a file's description says of a data set of it. */
export function dataSetItem(
  description: Omit<FcsDescription, 'data_sets'> & { offset?: number },
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
    analysis: Object.fromEntries(analysis),
    warnings,
  }
}

export function dataSetItems(description: FcsDescription) {
  return [description, ...description.data_sets].map((dataSet, i) => dataSetItem(dataSet, i + 1))
}

/** The data set of this number, from 1. */
export function chosenDataSet(
  description: FcsDescription,
  number: number,
): Omit<DataSetDescription, 'analysis'> {
  return number === 1 ? description : furtherDataSet(description, number)
}

/** A data set after the first, which has its statistics with it. */
export function furtherDataSet({ data_sets }: FcsDescription, number: number) {
  const found = data_sets[number - 2]
  if (found === undefined) throw refuseField('data_set', 'the number of a data set of this file')
  return found
}
