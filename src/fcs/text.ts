import { createDecoder } from './decoder.ts'
import { FcsError, type FcsWarning } from './errors.ts'
import { type Keywords, requiredKeywords } from './keywords.ts'

const MOST_KEYWORDS = 100_000
const PADDING = [0x00, 0x09, 0x0a, 0x0d, 0x20]

/** How a doubled delimiter right after a keyword is read: as part of its name, or as no value. */
type Rule = 'standard' | 'empty-values'
type Token = { from: number; to: number }
type Split = { tokens: Token[]; lastDelimiter: 'once' | 'missing' | 'doubled' }
type Text = { keywords: Keywords; warnings: FcsWarning[]; misread: number }

/**
 * Reads the keywords of a TEXT segment, whose first byte is the delimiter (FCS 3.1 §3.2).
 *
 * The standard forbids empty values because a doubled delimiter stands for itself; some writers
 * leave them all the same, and the standard's reading then swallows the keyword that follows. The
 * other reading is taken where it keeps more of the keywords that every file must have.
 */
export function readText(bytes: Uint8Array): { keywords: Keywords; warnings: FcsWarning[] } {
  const delimiter = bytes[0]
  if (delimiter === undefined) throw new FcsError('text', 'TEXT is empty.')
  const standard = interpret(bytes, delimiter, 'standard')
  if (standard.misread === 0) return standard
  const lenient = interpret(bytes, delimiter, 'empty-values')
  if (lenient.misread >= standard.misread) return standard
  const message = 'TEXT holds empty values, which other programs may misread.'
  lenient.warnings.push({ code: 'text_empty_values', message })
  return lenient
}

/** Reads the keywords of supplemental TEXT or ANALYSIS, of which no keyword is known beforehand. */
export function readPairs(bytes: Uint8Array, delimiter: number): Omit<Text, 'misread'> {
  const standard = interpret(bytes, delimiter, 'standard')
  const isWhole = ({ warnings }: Text) => warnings.every(({ code }) => code !== 'text_leftover')
  if (isWhole(standard)) return standard
  const lenient = interpret(bytes, delimiter, 'empty-values')
  return isWhole(lenient) ? lenient : standard
}

function interpret(bytes: Uint8Array, delimiter: number, rule: Rule): Text {
  const { tokens, lastDelimiter } = split(bytes, delimiter, rule)
  const warnings: FcsWarning[] = []
  const keywords: Keywords = new Map()
  const duplicates = new Set<string>()
  const decoder = createDecoder()
  let swallowed = 0
  for (let i = 0; i + 1 < tokens.length; i += 2) {
    const name = decoder
      .decode(unescaped(bytes, tokens[i], delimiter))
      .trim()
      .toUpperCase()
    const value = decoder.decode(unescaped(bytes, tokens[i + 1], delimiter))
    if (name.startsWith('$') && name.includes(String.fromCharCode(delimiter))) swallowed++
    if (keywords.has(name)) duplicates.add(name)
    else keywords.set(name, value)
  }
  if (tokens.length % 2 === 1) {
    const message = 'TEXT ends with a piece that has no value; it is left out.'
    warnings.push({ code: 'text_leftover', message })
  } else if (lastDelimiter !== 'once') {
    const message = `The last delimiter of TEXT is ${lastDelimiter}.`
    warnings.push({ code: 'text_last_delimiter', message })
  }
  if (decoder.usedLatin1()) {
    const message = 'TEXT is not valid UTF-8; the values concerned are read as Latin-1.'
    warnings.push({ code: 'text_encoding', message })
  }
  if (duplicates.size > 0) {
    const names = [...duplicates].slice(0, 10).map((name) => name.slice(0, 40))
    const message = `Keywords given more than once, of which the first counts: ${names.join(', ')}.`
    warnings.push({ code: 'duplicate_keyword', message })
  }
  const missing = requiredKeywords(keywords).filter((name) => !keywords.has(name)).length
  return { keywords, warnings, misread: missing + swallowed }
}

/** Cuts TEXT into names and values in turn, delimiters inside them still doubled. */
function split(bytes: Uint8Array, delimiter: number, rule: Rule): Split {
  const end = contentEnd(bytes, delimiter)
  const tokens: Token[] = []
  const push = (from: number, to: number) => {
    if (tokens.length >= 2 * MOST_KEYWORDS) {
      throw new FcsError('too_large', `TEXT holds more than ${MOST_KEYWORDS} keywords.`)
    }
    tokens.push({ from, to })
  }
  let from = 1
  let i = 1
  while (i < end) {
    if (bytes[i] !== delimiter) {
      i++
      continue
    }
    const begin = i
    while (i < end && bytes[i] === delimiter) i++
    const isOdd = (i - begin) % 2 === 1
    if (rule === 'empty-values' && tokens.length % 2 === 0) {
      push(from, begin)
      from = begin + 1
      if (isOdd) continue
      push(from, i - 1)
      from = i
    } else if (isOdd) {
      push(from, i - 1)
      from = i
    } else if (i === end) {
      push(from, i - 2)
      return { tokens, lastDelimiter: 'doubled' }
    }
  }
  if (from === end) return { tokens, lastDelimiter: 'once' }
  push(from, end)
  return { tokens, lastDelimiter: 'missing' }
}

/** Where TEXT ends once the padding that may follow the last delimiter is left off. */
function contentEnd(bytes: Uint8Array, delimiter: number): number {
  let end = bytes.length
  while (end > 1 && bytes[end - 1] !== delimiter && PADDING.includes(bytes[end - 1] ?? -1)) end--
  return bytes[end - 1] === delimiter && end > 1 ? end : bytes.length
}

function unescaped(bytes: Uint8Array, token: Token | undefined, delimiter: number): Uint8Array {
  const raw = bytes.subarray(token?.from, token?.to)
  if (!raw.includes(delimiter)) return raw
  const single = new Uint8Array(raw.length)
  let length = 0
  for (let i = 0; i < raw.length; i++) {
    const byte = raw[i] ?? 0
    single[length++] = byte
    if (byte === delimiter && raw[i + 1] === delimiter) i++
  }
  return single.subarray(0, length)
}
