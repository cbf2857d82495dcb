import { refuseField } from '../errors.ts'
import type { Column, FcsParameter } from '../fcs/index.ts'

/**
 * The positions of the channels that a comma list names, in its order; all of them without a list. A name may hold
 * commas itself: the longest name that fits is taken.
 */
export function chosenChannels(
  parameters: readonly FcsParameter[],
  list: string | undefined,
): number[] {
  if (list === undefined) return parameters.map((_, at) => at)
  const positions = new Map(parameters.map(({ pnn }, at) => [pnn, at]))
  const pieces = list.split(',')
  const chosen: number[] = []
  for (let from = 0; from < pieces.length; ) {
    let to = pieces.length
    while (to > from && !positions.has(pieces.slice(from, to).join(',').trim())) to--
    const position = positions.get(pieces.slice(from, to).join(',').trim())
    if (position === undefined) throw refuseField('parameters', 'names of channels of this file')
    chosen.push(position)
    from = to
  }
  return [...new Set(chosen)]
}

/** Events as objects of channel name and value. What JSON has no number for becomes null in it. */
export function eventRows(names: readonly string[], columns: readonly Column[]) {
  const count = columns[0]?.length ?? 0
  return Array.from({ length: count }, (_, event) =>
    Object.fromEntries(names.map((name, at) => [name, columns[at]?.[event] ?? null])),
  )
}
