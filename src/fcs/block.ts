import type { DataLayout } from './layout.ts'
import { eventBytes } from './layout.ts'
import { toHostOrder } from './values.ts'

/**
 * One channel's values of a block of events: as numbers, and as the halves of an unsigned key that
 * sorts as they do. Keys of 16 and 32 bits fill `high` from its top bit on; `low` is for 64 bits.
 */
export type Batch = {
  length: number
  values: Float64Array
  high: Int32Array
  low: Int32Array
  /** How many integers had bits beyond their mask. */
  masked: number
}

/** Small enough to stay in the processor's cache while its channels are read one by one. */
const BLOCK_BYTES = 128 * 1024

/** More than this and the rounding errors of one block's sums would add up. */
const MOST_ROWS = 4096

/** Fewer than this and the work per batch would outweigh that per value. */
const LEAST_ROWS = 64

/**
 * Gathers bytes that come in pieces of any length into aligned blocks of whole events, so that no
 * event straddles two of them, and calls `onBlock` for each with a function from a channel to its
 * values. The batch it gives is overwritten by the next call.
 */
export function createBlocks(
  layout: DataLayout,
  onBlock: (channel: (index: number) => Batch) => void,
) {
  const width = eventBytes(layout)
  const capacity = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(BLOCK_BYTES / width)))
  const buffer = new ArrayBuffer(Math.ceil((capacity * width) / 8) * 8)
  const bytes = new Uint8Array(buffer, 0, capacity * width)
  const fill = filler(buffer, layout)
  const batch: Batch = {
    length: 0,
    values: new Float64Array(capacity),
    high: new Int32Array(capacity),
    low: new Int32Array(layout.bits === 64 ? capacity : 0),
    masked: 0,
  }
  let filled = 0

  const emit = () => {
    toHostOrder(bytes.subarray(0, filled), layout)
    const rows = filled / width
    onBlock((channel) => {
      batch.length = rows
      batch.masked = 0
      fill(batch, channel)
      return batch
    })
    filled = 0
  }

  return {
    push(piece: Uint8Array): void {
      let at = 0
      while (at < piece.length) {
        const part = piece.subarray(at, at + bytes.length - filled)
        bytes.set(part, filled)
        filled += part.length
        at += part.length
        if (filled === bytes.length) emit()
      }
    },
    /** After the last event, whose bytes must all have come. */
    end(): void {
      if (filled > 0) emit()
    },
  }
}

function filler(buffer: ArrayBuffer, layout: DataLayout): (batch: Batch, channel: number) => void {
  const channels = layout.masks.length
  const words = new Int32Array(buffer)
  if (layout.datatype === 'F') {
    const values = new Float32Array(buffer)
    return (batch, channel) => fillFloat32(batch, values, words, channel, channels)
  }
  if (layout.datatype === 'D') {
    const values = new Float64Array(buffer)
    return (batch, channel) => fillFloat64(batch, values, words, channel, channels)
  }
  const masks = layout.masks.map((mask) => mask ?? -1)
  if (layout.bits === 32) {
    return (batch, channel) => fillUint32(batch, words, masks[channel] ?? -1, channel, channels)
  }
  const halves = new Uint16Array(buffer)
  return (batch, channel) => fillUint16(batch, halves, masks[channel] ?? -1, channel, channels)
}

// One function per type, so that each loop stays specialised however many types a server reads.

function fillFloat32(
  { length, values, high }: Batch,
  floats: Float32Array,
  words: Int32Array,
  channel: number,
  channels: number,
): void {
  for (let i = 0, at = channel; i < length; i++, at += channels) {
    const word = words[at] ?? 0
    values[i] = floats[at] ?? 0
    // The sign bit turns the order of the other bits round (IEEE 754 is sign and magnitude).
    high[i] = word ^ ((word >> 31) | 0x80000000)
  }
}

function fillFloat64(
  { length, values, high, low }: Batch,
  floats: Float64Array,
  words: Int32Array,
  channel: number,
  channels: number,
): void {
  for (let i = 0, at = channel; i < length; i++, at += channels) {
    const word = words[2 * at + 1] ?? 0
    values[i] = floats[at] ?? 0
    high[i] = word ^ ((word >> 31) | 0x80000000)
    low[i] = (words[2 * at] ?? 0) ^ (word >> 31)
  }
}

function fillUint32(
  batch: Batch,
  words: Int32Array,
  mask: number,
  channel: number,
  channels: number,
): void {
  const { length, values, high } = batch
  let masked = 0
  for (let i = 0, at = channel; i < length; i++, at += channels) {
    const word = words[at] ?? 0
    if ((word & ~mask) !== 0) masked++
    const value = (word & mask) >>> 0
    values[i] = value
    high[i] = value
  }
  batch.masked = masked
}

function fillUint16(
  batch: Batch,
  halves: Uint16Array,
  mask: number,
  channel: number,
  channels: number,
): void {
  const { length, values, high } = batch
  let masked = 0
  for (let i = 0, at = channel; i < length; i++, at += channels) {
    const half = halves[at] ?? 0
    if ((half & ~mask) !== 0) masked++
    const value = half & mask
    values[i] = value
    high[i] = value << 16
  }
  batch.masked = masked
}

/** The value of a key, the inverse of what the batches hold. */
export function valueOfKey({ datatype, bits }: DataLayout, high: number, low: number): number {
  if (datatype === 'I') return bits === 16 ? high >>> 16 : high
  const view = new DataView(new ArrayBuffer(8))
  const flip = high >= 0x80000000 ? 0 : -1
  view.setUint32(0, high ^ (flip | 0x80000000))
  view.setUint32(4, low ^ flip)
  return datatype === 'F' ? view.getFloat32(0) : view.getFloat64(0)
}

/** Leaves NaN and the infinities out of a batch. */
export function keepFinite(batch: Batch): void {
  const { values, high, low } = batch
  let kept = 0
  for (let i = 0; i < batch.length; i++) {
    const value = values[i] ?? Number.NaN
    if (!Number.isFinite(value)) continue
    values[kept] = value
    high[kept] = high[i] ?? 0
    if (low.length > 0) low[kept] = low[i] ?? 0
    kept++
  }
  batch.length = kept
}
