const MOST_BYTES = 2 ** 24
const LARGEST_PAGE = 2 ** 20

/**
 * Keeps pages of events as they were printed, 16 MB of them; the one that was asked for longest ago goes first. The
 * bytes of a file never change, so what a key stands for stays the same. Who may read it is decided before.
 */
export function printedPages() {
  const kept = new Map<string, Uint8Array<ArrayBuffer>>()
  let bytes = 0

  return async (key: string, print: () => Promise<string>): Promise<Uint8Array<ArrayBuffer>> => {
    const known = kept.get(key)
    if (known !== undefined) {
      kept.delete(key)
      kept.set(key, known)
      return known
    }
    const page = new TextEncoder().encode(await print())
    // Another request may have printed it meanwhile.
    if (page.length > LARGEST_PAGE || kept.has(key)) return page
    kept.set(key, page)
    bytes += page.length
    for (const [oldest, { length }] of kept) {
      if (bytes <= MOST_BYTES) break
      kept.delete(oldest)
      bytes -= length
    }
    return page
  }
}
