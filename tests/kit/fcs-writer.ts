import { bitsOf, encodeData, orderOf } from './fcs-data.ts'

/** One parameter of a file to write; `keywords` maps a suffix to a value: `{ E: '0,0' }` is `$P1E`. */
export type FcsParameterSpec = {
  name: string
  label?: string
  /** Of a stored value; the characters of a number in text. */
  bits?: number
  range?: number | bigint
  /** In place of the file's, for FCS 3.2. */
  datatype?: 'F' | 'D' | 'I'
  keywords?: Record<string, string>
}

export type FcsSpec = {
  /** `FCS3.1` unless given. */
  version?: string
  /** `F` unless given. */
  datatype?: 'F' | 'D' | 'I' | 'A'
  /** An array is `$BYTEORD` itself; narrower values follow its first group. */
  byteOrder?: 'little' | 'big' | number[]
  parameters: FcsParameterSpec[]
  /** One column per parameter, all of one length; integers from 0 to 2^`bits` - 1 for `I`. */
  columns: ArrayLike<number | bigint>[]
  /** Added to the keywords the file needs anyway, or in place of the one of the same name. */
  keywords?: Record<string, string>
  /** Keywords to leave out, for files that are wrong. */
  omit?: string[]
  delimiter?: string
  /** Between the numbers of `A` without fixed widths (`$PnB` is `*`); fills up fixed ones. */
  separator?: string
  /** Bytes of a supplemental TEXT and of ANALYSIS, which follow DATA. */
  supplement?: string
  analysis?: string
  encoding?: 'utf-8' | 'latin-1'
  /** Bytes of padding between TEXT and DATA (or DATA and TEXT). */
  gap?: number
  textAfterData?: boolean
  /** Changes the 58 characters of HEADER last of all: what it writes is what the file says. */
  header?: (header: string) => string
  /** Changes TEXT before the offsets are worked out, so they stay right whatever its length. */
  text?: (text: string) => string
}

const HEADER_BYTES = 58
const OFFSET_DIGITS = 10
const LARGEST_HEADER_OFFSET = 99_999_999

/** Writes a list-mode FCS file whose bytes follow `spec`, right or wrong. */
export function writeFcs(spec: FcsSpec): Uint8Array {
  const data = encodeData(spec)
  const gap = spec.gap ?? 0
  // The offsets stand inside TEXT, whose length moves them: repeat until they hold still.
  let dataBegin = 0
  for (;;) {
    const text = encodeText(spec, dataBegin, dataBegin + data.length - 1)
    const textBegin = spec.textAfterData ? HEADER_BYTES + data.length + gap : HEADER_BYTES
    const begin = spec.textAfterData ? HEADER_BYTES : HEADER_BYTES + text.length + gap
    if (begin !== dataBegin) {
      dataBegin = begin
      continue
    }
    const behind = new TextEncoder().encode((spec.supplement ?? '') + (spec.analysis ?? ''))
    const length = HEADER_BYTES + text.length + gap + data.length
    const file = new Uint8Array(length + behind.length).fill(0x20)
    file.set(encodeHeader(spec, textBegin, text.length, begin, data.length))
    file.set(text, textBegin)
    file.set(data, begin)
    file.set(behind, length)
    return file
  }
}

/** Writes files one behind the other as the data sets of one, each leading to the next. */
export function writeDataSets(specs: FcsSpec[]): Uint8Array {
  const dataSets = specs.map((spec, i) => {
    const withNext = (next: number) => {
      const digits = String(next).padStart(OFFSET_DIGITS, '0')
      return writeFcs({ ...spec, keywords: { $NEXTDATA: digits, ...spec.keywords } })
    }
    return withNext(i + 1 < specs.length ? withNext(0).length : 0)
  })
  return new Uint8Array(Buffer.concat(dataSets))
}

function encodeHeader(
  spec: FcsSpec,
  textBegin: number,
  textLength: number,
  dataBegin: number,
  dataLength: number,
): Uint8Array {
  const dataEnd = dataBegin + dataLength - 1
  const inHeader = dataLength > 0 && dataEnd <= LARGEST_HEADER_OFFSET
  const offsets = [
    ...[textBegin, textBegin + textLength - 1],
    ...(inHeader ? [dataBegin, dataEnd] : [0, 0]),
    ...[0, 0],
  ]
  const fields = offsets.map((offset) => String(offset).padStart(8)).join('')
  const header = `${spec.version ?? 'FCS3.1'}    ${fields}`
  return new TextEncoder().encode((spec.header ?? ((h) => h))(header))
}

function encodeText(spec: FcsSpec, dataBegin: number, dataEnd: number): Uint8Array {
  const delimiter = spec.delimiter ?? '|'
  const escaped = (value: string) => value.replaceAll(delimiter, delimiter + delimiter)
  const text = [...keywordsOf(spec, dataBegin, dataEnd)]
    .map(([name, value]) => `${escaped(name)}${delimiter}${escaped(value)}${delimiter}`)
    .join('')
  const whole = (spec.text ?? ((t) => t))(delimiter + text)
  return spec.encoding === 'latin-1'
    ? Uint8Array.from(whole, (character) => character.charCodeAt(0))
    : new TextEncoder().encode(whole)
}

function keywordsOf(spec: FcsSpec, dataBegin: number, dataEnd: number): Map<string, string> {
  const events = spec.columns[0]?.length ?? 0
  const keywords = new Map<string, string>([
    ['$BEGINDATA', String(events > 0 ? dataBegin : 0)],
    ['$ENDDATA', String(events > 0 ? dataEnd : 0)],
    ...segmentKeywords('STEXT', dataEnd + 1, spec.supplement),
    ...segmentKeywords('ANALYSIS', dataEnd + 1 + (spec.supplement ?? '').length, spec.analysis),
    ['$BYTEORD', orderOf(spec, 4).join()],
    ['$DATATYPE', spec.datatype ?? 'F'],
    ['$MODE', 'L'],
    ['$NEXTDATA', '0'],
    ['$PAR', String(spec.parameters.length)],
    ['$TOT', String(events)],
  ])
  for (const [i, parameter] of spec.parameters.entries()) {
    keywords.set(`$P${i + 1}N`, parameter.name)
    if (parameter.label !== undefined) keywords.set(`$P${i + 1}S`, parameter.label)
    keywords.set(`$P${i + 1}B`, String(bitsOf(spec, parameter)))
    const range = parameter.range ?? 2 ** Math.min(bitsOf(spec, parameter), 32)
    keywords.set(`$P${i + 1}R`, String(range))
    if (parameter.datatype) keywords.set(`$P${i + 1}DATATYPE`, parameter.datatype)
    keywords.set(`$P${i + 1}E`, '0,0')
    for (const [suffix, value] of Object.entries(parameter.keywords ?? {})) {
      keywords.set(`$P${i + 1}${suffix}`, value)
    }
  }
  for (const [name, value] of Object.entries(spec.keywords ?? {})) keywords.set(name, value)
  for (const name of spec.omit ?? []) keywords.delete(name)
  return keywords
}

function segmentKeywords(name: string, begin: number, content = ''): [string, string][] {
  const offsets = content === '' ? [0, 0] : [begin, begin + content.length - 1]
  return [
    [`$BEGIN${name}`, String(offsets[0])],
    [`$END${name}`, String(offsets[1])],
  ]
}
