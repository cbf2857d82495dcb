/** How much an Accept field likes a media type, from 0 to 1 (RFC 9110 §12.5.1), and how closely it names it. */
export type Liking = { quality: number; detail: number }

/** What an Accept field says of media types: of each by the entry that names it most closely. */
export function accepted(accept: string | null): (mediaType: string) => Liking {
  const ranges = (accept ?? '*/*').split(',').map(mediaRange)
  return (mediaType) => {
    const covering = ranges.filter(({ covers }) => covers(mediaType))
    const [closest] = covering.toSorted((a, b) => b.detail - a.detail)
    return closest ?? { quality: 0, detail: 0 }
  }
}

/** One entry of Accept: the types it covers, how closely it names them, and how much they are liked. */
function mediaRange(entry: string) {
  const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
  const quality = weight === undefined ? 1 : Number(weight) || 0
  if (name === '*/*') return { quality, detail: 0, covers: () => true }
  if (name.endsWith('/*')) {
    return { quality, detail: 1, covers: (type: string) => type.startsWith(name.slice(0, -1)) }
  }
  return { quality, detail: 2, covers: (type: string) => type === name }
}
