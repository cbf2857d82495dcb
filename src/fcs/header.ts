import { FcsError } from './errors.ts'

export const SIGNATURE_BYTES = 6
export const HEADER_BYTES = 58

/** TEXT is held in memory while it is read; real ones are a few kilobytes. */
export const LARGEST_TEXT = 4 * 1024 * 1024

/** What old writers put where an offset does not fit into eight digits; newer ones write 0. */
const TOO_LARGE_FOR_HEADER = 99_999_999

const VERSIONS = ['FCS2.0', 'FCS3.0', 'FCS3.1', 'FCS3.2']

/** Positions of a segment's first and last byte, counted from the start of its data set. */
export type Segment = { begin: number; end: number }

export type Header = {
  version: string
  text: Segment
  /** null where HEADER leaves it to TEXT. */
  data: Segment | null
  /** null where there is none, HEADER leaves it to TEXT, or says something else than a place. */
  analysis: Segment | null
  isAnalysisOdd: boolean
}

/** The version that the first six bytes name, or the refusal of a file that is not FCS. */
export function readVersion(bytes: Uint8Array): string {
  const version = ascii(bytes, 0, SIGNATURE_BYTES)
  if (!version.startsWith('FCS')) {
    throw new FcsError('not_fcs', 'This is not an FCS file: it does not begin with "FCS".')
  }
  if (!VERSIONS.includes(version)) {
    throw new FcsError('version', 'Only FCS versions 2.0, 3.0, 3.1 and 3.2 can be read.')
  }
  return version
}

/** Reads HEADER from the first 58 bytes of a data set (FCS 3.1 §3.1). */
export function readHeader(bytes: Uint8Array): Header {
  const version = readVersion(bytes)
  const text = segment(readOffset(bytes, 10, 'TEXT'), readOffset(bytes, 18, 'TEXT'))
  const data = segment(readOffset(bytes, 26, 'DATA'), readOffset(bytes, 34, 'DATA'))
  if (text === null || text.begin < HEADER_BYTES) {
    throw new FcsError('header', 'HEADER does not say where TEXT is.')
  }
  if (text.end - text.begin >= LARGEST_TEXT) {
    throw new FcsError('too_large', `TEXT is longer than ${LARGEST_TEXT} bytes.`)
  }
  const isPlaceholder = data?.begin === TOO_LARGE_FOR_HEADER || data?.end === TOO_LARGE_FOR_HEADER
  return {
    version,
    text,
    data: isPlaceholder ? null : data,
    ...analysisSegment(bytes),
  }
}

/** The segment that two offsets enclose, or null when they enclose none (0 and 0, 0 and -1). */
export function segment(begin: number, end: number): Segment | null {
  return begin > 0 && end >= begin ? { begin, end } : null
}

/** Nothing is refused for ANALYSIS: no event depends on it. */
function analysisSegment(bytes: Uint8Array): Pick<Header, 'analysis' | 'isAnalysisOdd'> {
  const [begin = 0, end = 0] = [42, 50].map((at) => {
    const offset = Number(ascii(bytes, at, at + 8).replaceAll('\0', ' '))
    return offset === TOO_LARGE_FOR_HEADER ? 0 : offset
  })
  const isWhole = Number.isInteger(begin) && Number.isInteger(end)
  const analysis = isWhole ? segment(begin, end) : null
  return { analysis, isAnalysisOdd: analysis === null && (begin !== 0 || end !== 0) }
}

function readOffset(bytes: Uint8Array, at: number, name: string): number {
  const field = ascii(bytes, at, at + 8)
    .replaceAll('\0', ' ')
    .trim()
  if (field === '') return 0
  if (!/^-?\d+$/.test(field)) {
    throw new FcsError('header', `The ${name} offset at byte ${at} of HEADER is not a number.`)
  }
  return Number(field)
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to))
}
