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
  const [first = 0, second = 0, third = 0, fourth = 0] = places
  const width = places.length
  for (let row = 0, at = 0, to = start; row < rows; row++, at += stride, to += step) {
    let word = events[at + first] ?? 0
    if (width > 1) word |= (events[at + second] ?? 0) << 8
    if (width > 2) word |= (events[at + third] ?? 0) << 16
    if (width > 3) word |= (events[at + fourth] ?? 0) << 24
    words[to] = word
  }
}
