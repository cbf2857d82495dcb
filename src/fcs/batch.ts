import type { BinaryFormat, MixedFormat } from './format.ts'
import { gather, stridesOf } from './gather.ts'

/** One channel's values of a block of events, those of 64-bit integers rounded to float64. */
export type Batch = {
  length: number
  values: Float64Array
  /** How many integers had bits beyond their mask. */
  masked: number
}

type Fill = (batch: Batch, channel: number) => void

/**
 * A function that fills a batch with one channel's values of the `batch.length` events at the
 * beginning of the buffer, which are in host order.
 */
export function createFill(buffer: ArrayBuffer, format: BinaryFormat): Fill {
  if (format.datatype === 'mixed') return createMixedFill(buffer, format)
  const channels = format.masks.length
  if (format.datatype === 'F') {
    const values = new Float32Array(buffer)
    return (batch, channel) => fillFloat32(batch, values, channel, channels)
  }
  if (format.datatype === 'D') {
    const values = new Float64Array(buffer)
    return (batch, channel) => fillFloat64(batch, values, channel, channels)
  }
  const masks = format.masks.map((mask) => mask ?? -1)
  if (format.bits === 32) {
    const words = new Int32Array(buffer)
    return (batch, channel) => fillUint32(batch, words, masks[channel] ?? -1, channel, channels)
  }
  const halves = new Uint16Array(buffer)
  return (batch, channel) => fillUint16(batch, halves, masks[channel] ?? -1, channel, channels)
}

/** Puts a channel's values side by side first, to be read as a table of one channel. */
function createMixedFill(buffer: ArrayBuffer, format: MixedFormat): Fill {
  const events = new Uint8Array(buffer)
  const strides = stridesOf(format)
  const rows = Math.floor(buffer.byteLength / (strides[0]?.stride ?? 1))
  const words = new Int32Array(2 * rows)
  const floats = new Float32Array(words.buffer)
  const doubles = new Float64Array(words.buffer)
  return (batch, channel) => {
    const { datatype, bits, mask } = format.channels[channel] ?? {}
    const strided = strides[channel]
    if (strided === undefined || bits === undefined) throw new RangeError('no such channel')
    gather(events, strided, batch.length, words)
    if (datatype === 'D') return fillFloat64(batch, doubles, 0, 1)
    if (bits > 32) return fillUint64(batch, words, mask ?? 64)
    if (datatype === 'F') return fillFloat32(batch, floats, 0, 1)
    return fillUint32(batch, words, lowBits(mask ?? 32), 0, 1)
  }
}

/** A word with this many of its lowest bits set. */
const lowBits = (count: number) => (count >= 32 ? -1 : 2 ** Math.max(0, count) - 1)

// One function per type, so that each loop stays specialised however many types a server reads.

function fillFloat32(
  { length, values }: Batch,
  floats: Float32Array,
  channel: number,
  channels: number,
): void {
  for (let i = 0, at = channel; i < length; i++, at += channels) values[i] = floats[at] ?? 0
}

function fillFloat64(
  { length, values }: Batch,
  floats: Float64Array,
  channel: number,
  channels: number,
): void {
  for (let i = 0, at = channel; i < length; i++, at += channels) values[i] = floats[at] ?? 0
}

function fillUint32(
  batch: Batch,
  words: Int32Array,
  mask: number,
  channel: number,
  channels: number,
): void {
  const { length, values } = batch
  let masked = 0
  for (let i = 0, at = channel; i < length; i++, at += channels) {
    const word = words[at] ?? 0
    if ((word & ~mask) !== 0) masked++
    values[i] = (word & mask) >>> 0
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
  const { length, values } = batch
  let masked = 0
  for (let i = 0, at = channel; i < length; i++, at += channels) {
    const half = halves[at] ?? 0
    if ((half & ~mask) !== 0) masked++
    values[i] = half & mask
  }
  batch.masked = masked
}

function fillUint64(batch: Batch, words: Int32Array, maskBits: number): void {
  const { length, values } = batch
  const lowMask = lowBits(maskBits)
  const highMask = lowBits(maskBits - 32)
  let masked = 0
  for (let i = 0, at = 0; i < length; i++, at += 2) {
    const lowWord = words[at] ?? 0
    const highWord = words[at + 1] ?? 0
    if (((lowWord & ~lowMask) | (highWord & ~highMask)) !== 0) masked++
    values[i] = ((highWord & highMask) >>> 0) * 2 ** 32 + ((lowWord & lowMask) >>> 0)
  }
  batch.masked = masked
}

/** Leaves NaN and the infinities out of a batch. */
export function keepFinite(batch: Batch): void {
  const { values } = batch
  let kept = 0
  for (let i = 0; i < batch.length; i++) {
    const value = values[i] ?? Number.NaN
    if (!Number.isFinite(value)) continue
    values[kept++] = value
  }
  batch.length = kept
}
