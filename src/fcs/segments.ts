import type { FcsWarning } from './errors.ts'
import { FcsError } from './errors.ts'
import { type Header, LARGEST_TEXT, type Segment, segment } from './header.ts'
import { type Keywords, optionalNumber } from './keywords.ts'
import type { ByteSource } from './source.ts'
import { readPairs } from './text.ts'

/** The bytes of a data set: where it begins in the stored file, and its delimiter. */
export type Place = { source: ByteSource; base: number; delimiter: number }

type Optional = { pairs: Keywords; warnings: FcsWarning[]; end: number }

/**
 * Supplemental TEXT, which some writers use for a ZIP or a copy of TEXT: whatever is not text of
 * its own is left out with a warning.
 */
export async function readSupplement(
  place: Place,
  header: Header,
  keywords: Keywords,
): Promise<Optional> {
  const written = segmentIn(keywords, '$BEGINSTEXT', '$ENDSTEXT')
  if (written && written.begin <= header.text.end && written.end >= header.text.begin) {
    const message = 'Supplemental TEXT repeats TEXT; it is left out.'
    return { ...NONE, warnings: [{ code: 'supplemental_text', message }] }
  }
  return readOptional(place, written, 'Supplemental TEXT', 'supplemental_text')
}

/** ANALYSIS, where HEADER or TEXT says that it is. */
export async function readAnalysis(
  place: Place,
  header: Header,
  keywords: Keywords,
): Promise<Optional> {
  const written = header.analysis ?? segmentIn(keywords, '$BEGINANALYSIS', '$ENDANALYSIS')
  const found = await readOptional(place, written, 'ANALYSIS', 'analysis')
  if (!header.isAnalysisOdd) return found
  const message = 'The ANALYSIS offsets in HEADER are no place in the file; they are ignored.'
  return { ...found, warnings: [{ code: 'analysis', message }, ...found.warnings] }
}

const NONE: Optional = { pairs: new Map(), warnings: [], end: 0 }

async function readOptional(
  { source, base, delimiter }: Place,
  written: Segment | null,
  name: string,
  code: 'supplemental_text' | 'analysis',
): Promise<Optional> {
  if (written === null) return NONE
  const leftOut = (why: string): Optional => {
    return { ...NONE, warnings: [{ code, message: `${name} ${why}; it is left out.` }] }
  }
  const { begin, end } = written
  if (base + end >= source.size) return leftOut('is not inside of the file')
  if (end - begin >= LARGEST_TEXT) return leftOut(`is longer than ${LARGEST_TEXT} bytes`)
  // A copy: the source may give the same memory again.
  const bytes = new Uint8Array(await source.read(base + begin, end - begin + 1))
  if (bytes[0] !== delimiter) return { ...leftOut('does not begin with the delimiter'), end }
  try {
    const { keywords, warnings } = readPairs(bytes, delimiter)
    const named = warnings.map(({ message }) => ({ code, message: `${name}: ${message}` }))
    return { pairs: keywords, warnings: named, end }
  } catch (error) {
    if (error instanceof FcsError) return { ...leftOut('can not be read'), end }
    throw error
  }
}

function segmentIn(keywords: Keywords, begin: string, end: string): Segment | null {
  const [from, to] = [begin, end].map((name) => optionalNumber(keywords, name) ?? 0)
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return null
  return segment(from ?? 0, to ?? 0)
}
