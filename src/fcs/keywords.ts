import { FcsError } from './errors.ts'

/** Keyword name in capitals → value as written, in the order of the file. */
export type Keywords = Map<string, string>

export const MOST_PARAMETERS = 10_000

/** The keywords without which no list-mode file can be read, as far as `$PAR` tells. */
export function requiredKeywords(keywords: Keywords): string[] {
  const names = ['$PAR', '$DATATYPE', '$BYTEORD']
  const parameters = Number(keywords.get('$PAR'))
  if (!(parameters <= MOST_PARAMETERS)) return names
  for (let n = 1; n <= parameters; n++) names.push(`$P${n}N`, `$P${n}B`, `$P${n}R`)
  return names
}

/** The trimmed value, or null when the keyword is missing or blank. */
export function optional(keywords: Keywords, name: string): string | null {
  return keywords.get(name)?.trim() || null
}

export function required(keywords: Keywords, name: string): string {
  const value = optional(keywords, name)
  if (value === null) throw new FcsError('keyword', `The required keyword ${name} is missing.`)
  return value
}

/** A whole number, or null when the keyword is missing or blank. */
export function optionalInteger(keywords: Keywords, name: string): number | null {
  const value = optional(keywords, name)
  return value === null ? null : integer(value, name)
}

export function requiredInteger(keywords: Keywords, name: string): number {
  return integer(required(keywords, name), name)
}

/** A number such as `262144`, `0.5` or `1e5`; null when the keyword is missing or holds none. */
export function optionalNumber(keywords: Keywords, name: string): number | null {
  const value = Number(optional(keywords, name) ?? Number.NaN)
  // + 0: JSON has no -0.
  return Number.isFinite(value) ? value + 0 : null
}

function integer(value: string, name: string): number {
  const parsed = Number(value) + 0
  if (!/^[+-]?\d+$/.test(value)) {
    throw new FcsError('keyword', `${name} is not a whole number.`)
  }
  if (!Number.isSafeInteger(parsed)) throw new FcsError('keyword', `${name} is too large.`)
  return parsed
}
