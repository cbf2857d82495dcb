import type { FcsWarning } from './errors.ts'
import { channelCount, type Format, storedAs } from './format.ts'
import { type Keywords, optional, optionalNumber } from './keywords.ts'

export type FcsParameter = {
  /** From 1, as in `$P1N`. */
  index: number
  /** `$PnN`, made unique: the key of this parameter's values in events. */
  pnn: string
  /** `$PnS`, or `pnn` without one. */
  pns: string
  /** `$PnR`, 0 where a file of floating-point values gives none. */
  range: number
  display: 'LIN' | 'LOG'
  /** F and D for floating point of 32 and 64 bits, I for integers, A for text. */
  datatype: 'F' | 'D' | 'I' | 'A'
  /** Width of a stored value, 0 where text makes them differ. */
  bits: number
  /** `$PnE` as written. */
  amplification: string | null
  /** `$PnG`. */
  gain: number | null
}

/** Describes the parameters of a data set whose layout is known. */
export function readParameters(
  keywords: Keywords,
  layout: Format,
): { parameters: FcsParameter[]; warnings: FcsWarning[] } {
  const { names, warnings } = uniqueNames(keywords, channelCount(layout))
  const parameters = names.map((pnn, i) => {
    const n = i + 1
    return {
      index: n,
      pnn,
      pns: optional(keywords, `$P${n}S`) ?? pnn,
      range: optionalNumber(keywords, `$P${n}R`) ?? 0,
      display: display(keywords, n),
      ...storedAs(layout, i),
      amplification: optional(keywords, `$P${n}E`),
      gain: optionalNumber(keywords, `$P${n}G`),
    }
  })
  return { parameters, warnings }
}

/**
 * `P<n>` for a parameter without a name; the second `FL1-A` becomes `FL1-A#2`. A name that the file
 * gives stays with the first parameter that it is given to.
 */
function uniqueNames(keywords: Keywords, count: number) {
  const given = Array.from({ length: count }, (_, i) => optional(keywords, `$P${i + 1}N`))
  const taken = new Set(given)
  const numbers = new Map<string, number>()
  const unnamed: string[] = []
  const repeated: string[] = []
  const kept = new Set<string>()
  const names = given.map((name, i) => {
    if (name === null) unnamed.push(`$P${i + 1}N`)
    else if (kept.has(name)) repeated.push(`$P${i + 1}N`)
    else {
      kept.add(name)
      return name
    }
    const wanted = name ?? `P${i + 1}`
    let number = numbers.get(wanted) ?? 1
    let unique = wanted
    while (taken.has(unique)) unique = `${wanted}#${++number}`
    numbers.set(wanted, number)
    taken.add(unique)
    return unique
  })
  const warnings: FcsWarning[] = []
  if (unnamed.length > 0) {
    const message = `Parameters without a name are called P and their number: ${list(unnamed)}.`
    warnings.push({ code: 'pnn_missing', message })
  }
  if (repeated.length > 0) {
    const message = `Names given before have #2, #3 … added: ${list(repeated)}.`
    warnings.push({ code: 'duplicate_pnn', message })
  }
  return { names, warnings }
}

function list(names: string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(', ')} …` : names.join(', ')
}

/** How a parameter is usually drawn: what the file says, else what its amplifier or name suggests. */
function display(keywords: Keywords, n: number): 'LIN' | 'LOG' {
  const written = optional(keywords, `P${n}DISPLAY`)?.toUpperCase()
  if (written === 'LIN' || written === 'LOG') return written
  const suggested = optional(keywords, `$P${n}D`)
  if (suggested !== null) return /^linear/i.test(suggested) ? 'LIN' : 'LOG'
  const decades = Number.parseFloat(optional(keywords, `$P${n}E`) ?? '0')
  if (decades > 0) return 'LOG'
  return /^(fsc|ssc|time)|width|-w$/i.test(optional(keywords, `$P${n}N`) ?? '') ? 'LIN' : 'LOG'
}
