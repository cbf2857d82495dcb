import { placesOf } from './byte-order.ts'
import type { MixedFormat } from './format.ts'

/** Where the bytes of one parameter are in every event. */
export type Strided = {
  /** Bytes from one event to the next. */
  stride: number
  /** From the first byte of an event, the least significant first. */
  places: number[]
}

/** One per parameter. */
export function stridesOf({ byteOrder, channels }: MixedFormat): Strided[] {
  const stride = channels.reduce((sum, { bits }) => sum + bits / 8, 0)
  let at = 0
  return channels.map(({ bits }) => {
    const width = bits / 8
    const places = placesOf(byteOrder, width) ?? []
    const begin = at
    at += width
    return { stride, places: places.map((place) => begin + place) }
  })
}

/**
 * Puts the values of one parameter side by side, in host order: of more than four bytes as a low
 * and a high word, else as one word. `words` has room for `rows` of them.
 */
export function gather(
  events: Uint8Array,
  { stride, places }: Strided,
  rows: number,
  words: Int32Array,
): void {
  if (places.length <= 4) gatherWords(events, stride, places, rows, words, 0, 1)
  else {
    gatherWords(events, stride, places.slice(0, 4), rows, words, 0, 2)
    gatherWords(events, stride, places.slice(4), rows, words, 1, 2)
  }
}

function gatherWords(
  events: Uint8Array,
  stride: number,
  places: number[],
  rows: number,
  words: Int32Array,
  start: number,
  step: number,
): void {
  // A loop for each byte of the value: each is short, and the same for every width.
  for (const [i, place] of places.entries()) {
    const shift = 8 * i
    const keep = i === 0 ? 0 : -1
    for (let row = 0, at = place, to = start; row < rows; row++, at += stride, to += step) {
      words[to] = ((words[to] ?? 0) & keep) | ((events[at] ?? 0) << shift)
    }
  }
}
