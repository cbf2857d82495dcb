import { refuseField } from '../errors.ts'
import type { FcsParameter } from '../fcs/index.ts'
import type { Values } from './forms/form.ts'

/** How many pieces of a comma list may make one name: what a query costs stays in line with its length. */
const MOST_PIECES = 8

/**
 * The positions of the channels that a comma list names, in its order; all of them without a list. A name may hold
 * commas itself, which the standard forbids and files do: the longest name that fits is taken.
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
    let to = Math.min(pieces.length, from + MOST_PIECES)
    while (to > from && !positions.has(pieces.slice(from, to).join(',').trim())) to--
    const position = positions.get(pieces.slice(from, to).join(',').trim())
    if (position === undefined) throw refuseField('parameters', 'names of channels of this file')
    chosen.push(position)
    from = to
  }
  return [...new Set(chosen)]
}

/** JSON repeats every name in every event, and a page of it is made in memory. */
const MOST_PAGE_BYTES = 64 * 1024 * 1024
const NUMBER_BYTES = 25

/** Refuses a page that only files of thousands of channels, or of very long names, can ask for. */
export function requirePageFits(names: readonly string[], events: number): void {
  const bytes = names.reduce((sum, name) => sum + name.length + NUMBER_BYTES, 0)
  const most = Math.max(1, Math.floor(MOST_PAGE_BYTES / bytes))
  if (events > most) throw refuseField('limit', `at most ${most} events of these parameters`)
}

/** Events as objects of channel name and value. */
export function eventRows(names: readonly string[], columns: readonly Values[]) {
  const count = columns[0]?.length ?? 0
  // A copy of one object with every name, `__proto__` too, is several times cheaper than a new one.
  const blank = Object.fromEntries(names.map((name): [string, JsonValue] => [name, null]))
  const rows = Array.from({ length: count }, () => ({ ...blank }))
  // Name by name: a property that is set in many objects in turn is found at once.
  for (const [at, name] of names.entries()) {
    const column = columns[at] ?? []
    for (const [event, row] of rows.entries()) row[name] = jsonValue(column[event])
  }
  return rows
}

type JsonValue = number | string | null

/** Integers that a JSON number would round are decimal strings; what JSON has no number for becomes null in it. */
export function jsonValue(value: number | bigint | undefined): JsonValue {
  if (typeof value !== 'bigint') return value ?? null
  return value > Number.MAX_SAFE_INTEGER ? String(value) : Number(value)
}
