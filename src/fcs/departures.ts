import type { FcsWarning } from './errors.ts'
import { type Keywords, optional } from './keywords.ts'

/** What TEXT has wrong that no stored value depends on, but the use of values does. */
export function textDepartures(keywords: Keywords, parameters: number): FcsWarning[] {
  return [...amplificationDepartures(keywords, parameters), ...spilloverDepartures(keywords)]
}

/** A logarithmic `$PnE` says the value of channel 0, which can't be 0; many writers have it so. */
function amplificationDepartures(keywords: Keywords, parameters: number): FcsWarning[] {
  const names = Array.from({ length: parameters }, (_, i) => `$P${i + 1}E`).filter((name) => {
    const [decades, offset] = (optional(keywords, name) ?? '').split(',').map(Number)
    return decades !== undefined && decades > 0 && offset === 0
  })
  if (names.length === 0) return []
  const listed = names.length > 10 ? [...names.slice(0, 10), '…'] : names
  const message = `A logarithmic scale begins at 0 where 1 is meant: ${listed.join(', ')}.`
  return [{ code: 'amplification', message }]
}

/** A spillover matrix counts and names its parameters by `$PnN`. */
function spilloverDepartures(keywords: Keywords): FcsWarning[] {
  const names = new Set(
    [...keywords].flatMap(([name, value]) => (/^\$P\d+N$/.test(name) ? [value.trim()] : [])),
  )
  return ['$SPILLOVER', 'SPILL'].flatMap((keyword): FcsWarning[] => {
    const [size, ...rest] = (optional(keywords, keyword) ?? '0').split(',')
    const count = Number(size)
    const isWhole = Number.isInteger(count) && rest.length === count + count * count
    if (count === 0) return []
    if (isWhole && rest.slice(0, count).every((name) => names.has(name.trim()))) return []
    const message = isWhole
      ? `${keyword} names a parameter that is not there.`
      : `${keyword} is no matrix of the size that it gives.`
    return [{ code: 'spillover', message }]
  })
}
