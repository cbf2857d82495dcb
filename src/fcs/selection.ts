import {
  createKeptValues,
  forgetAll,
  type KeptValues,
  keep,
  type Place,
  SIDE_BY_SIDE,
  type Values,
} from './kept-values.ts'
import { nthSmallest } from './nth-smallest.ts'
import { release } from './release.ts'

/** Standard deviations of a sampled rank: closer bounds would miss more often than once in 10,000 searches. */
const MARGIN = 4

/** The search for values by their ranks among all that are added. */
type Search = {
  /** The wanted values lie from here to `most`, for certain. */
  least: number
  most: number
  /** … and from `low` to `high`, in all likelihood. */
  low: number
  high: number
  /** Of the values of this pass, and of every pass before. */
  added: number
  expected: number | null
  below: number
  atLow: number
  atHigh: number
  /** What is strictly between `low` and `high`. */
  between: KeptValues
  found: number[] | null
}

export type Selection = ReturnType<typeof createSelection>

/**
 * Finds values exactly by their rank, in bounded memory: a pass over all values samples them, the next one counts what
 * lies below two bounds that the sample gives and keeps what lies between them, until all of that can be kept (after
 * Floyd and Rivest, 1975). A few ten thousand values need one pass, some millions two. The values of each of `searches`
 * are its own; none is NaN or infinite. `isSingle` says that float32 holds every value.
 */
export function createSelection(searches: number, isSingle: boolean) {
  const all = Array.from({ length: searches }, (): Search => {
    const between = createKeptValues(searches, isSingle)
    const bounds = { least: -Infinity, most: Infinity, low: -Infinity, high: Infinity }
    return {
      ...bounds,
      added: 0,
      expected: null,
      below: 0,
      atLow: 0,
      atHigh: 0,
      between,
      found: null,
    }
  })
  let scratch = new Float64Array()
  return {
    /** Adds `length` values. */
    add(index: number, values: Values, length: number, place: Place = SIDE_BY_SIDE): void {
      const search = all[index]
      if (search === undefined || search.found !== null) return
      search.added += length
      if (search.low === -Infinity && search.high === Infinity) {
        keep(search.between, values, length, place)
        return
      }
      if (scratch.length < length) scratch = new Float64Array(length)
      const count = split(search, values, length, place, scratch)
      keep(search.between, scratch, count, SIDE_BY_SIDE)
    },
    /** Adds values that are known to be outside of the bounds, by their number. */
    addOutside(index: number, below: number, outside: number): void {
      const search = all[index]
      if (search === undefined) return
      search.added += outside
      search.below += below
    },
    /** From `low` to `high`: what is outside need not be looked at in this pass. */
    boundsOf: (index: number): { low: number; high: number } =>
      all[index] ?? { low: -Infinity, high: Infinity },
    /**
     * Ends a pass; `ranks` gives those wanted of a search, from 0: none, one, or two in order. True when all values must be
     * added once more, to the searches that are open.
     */
    endPass(ranks: (index: number) => number[]): boolean {
      for (const [index, search] of all.entries()) {
        if (search.found === null) settle(search, ranks(index))
      }
      return all.some(({ found }) => found === null)
    },
    isOpen: (index: number): boolean => all[index]?.found === null,
    /** In the order of the ranks, once no pass is left. */
    found: (index: number): number[] => all[index]?.found ?? [],
  }
}

/** Counts the values on and outside the bounds, puts those between them side by side, and says how many. */
function split(
  search: Search,
  values: Values,
  length: number,
  { offset, step }: Place,
  between: Float64Array,
): number {
  const { low, high } = search
  let below = 0
  let atLow = 0
  let atHigh = 0
  let count = 0
  for (let i = 0, at = offset; i < length; i++, at += step) {
    const value = values[at] ?? 0
    if (value < low) below++
    else if (value <= high) {
      if (value === low) atLow++
      else if (value === high) atHigh++
      else between[count++] = value
    }
  }
  search.below += below
  search.atLow += atLow
  search.atHigh += atHigh
  return count
}

/** Finds the values, or bounds for the next pass. */
function settle(search: Search, ranks: number[]): void {
  search.expected ??= search.added
  if (search.added !== search.expected) throw changed()
  const { below, atLow, atHigh, low, high, between } = search
  const from = below + atLow
  const to = from + between.seen
  const end = to + atHigh
  const isBetween = (rank: number) => rank >= from && rank < to
  const valueAt = (rank: number): number | null => {
    if (rank < below || rank >= end) return null
    if (rank < from) return low
    if (rank >= to) return high
    return between.stride === 1 ? nthSmallest(between.values, between.length, rank - from) : null
  }
  const values = ranks.map(valueAt).filter((value) => value !== null)
  if (values.length === ranks.length) {
    search.found = values
    release(between.values)
    return
  }
  const [first = 0, last = first] = ranks
  const { least, most } = search
  if (first >= below) search.least = first < end ? low : high
  if (last < end) search.most = last < below ? low : high
  search.low = (isBetween(first) ? sampled(between, first - from, -1) : null) ?? search.least
  search.high = (isBetween(last) ? sampled(between, last - from, 1) : null) ?? search.most
  if (
    search.low === low &&
    search.high === high &&
    search.least === least &&
    search.most === most
  ) {
    throw changed()
  }
  search.added = search.below = search.atLow = search.atHigh = 0
  forgetAll(between)
}

/** Over the same values, every pass finds them or brings the bounds closer. */
const changed = () => new Error('the file changed between two passes over it')

/** A value that the one at this rank is very likely beyond, or null where the sample ends before it. */
function sampled({ values, length, seen }: KeptValues, rank: number, side: -1 | 1): number | null {
  // A rank of n sampled values has a standard deviation of at most √n / 2.
  const place = Math.round((rank / seen) * length + (side * MARGIN * Math.sqrt(length)) / 2)
  return place < 0 || place >= length ? null : nthSmallest(values, length, place)
}
