import { type BinaryFormat, type MixedFormat, storedAs } from './format.ts'
import { gather, stridesOf } from './gather.ts'

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

type Fill = (batch: Batch, channel: number) => void

/** Width of the keys of every channel: that of the widest value. */
export function keyBits(format: BinaryFormat): 16 | 32 | 64 {
  if (format.datatype !== 'mixed') return format.bits
  return format.channels.some(({ bits }) => bits > 32) ? 64 : 32
}

/**
 * A function that fills a batch with one channel's values of the `batch.length` events at the
 * beginning of the buffer, which are in host order.
 */
export function createFill(buffer: ArrayBuffer, format: BinaryFormat): Fill {
  if (format.datatype === 'mixed') return createMixedFill(buffer, format)
  const channels = format.masks.length
  const words = new Int32Array(buffer)
  if (format.datatype === 'F') {
    const values = new Float32Array(buffer)
    return (batch, channel) => fillFloat32(batch, values, words, channel, channels)
  }
  if (format.datatype === 'D') {
    const values = new Float64Array(buffer)
    return (batch, channel) => fillFloat64(batch, values, words, channel, channels)
  }
  const masks = format.masks.map((mask) => mask ?? -1)
  if (format.bits === 32) {
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
    if (datatype === 'D') return fillFloat64(batch, doubles, words, 0, 1)
    if (bits > 32) return fillUint64(batch, words, mask ?? 64)
    // Keys of one width for all channels: this one's ends with zeros.
    batch.low.fill(0)
    if (datatype === 'F') return fillFloat32(batch, floats, words, 0, 1)
    return fillUint32(batch, words, lowBits(mask ?? 32), 0, 1)
  }
}

/** A word with this many of its lowest bits set. */
const lowBits = (count: number) => (count >= 32 ? -1 : 2 ** Math.max(0, count) - 1)

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

function fillUint64(batch: Batch, words: Int32Array, maskBits: number): void {
  const { length, values, high, low } = batch
  const lowMask = lowBits(maskBits)
  const highMask = lowBits(maskBits - 32)
  let masked = 0
  for (let i = 0, at = 0; i < length; i++, at += 2) {
    const lowWord = words[at] ?? 0
    const highWord = words[at + 1] ?? 0
    if (((lowWord & ~lowMask) | (highWord & ~highMask)) !== 0) masked++
    low[i] = lowWord & lowMask
    high[i] = highWord & highMask
    values[i] = ((highWord & highMask) >>> 0) * 2 ** 32 + ((lowWord & lowMask) >>> 0)
  }
  batch.masked = masked
}

/** The value of a channel's key, the inverse of what the batches hold. */
export function valueOfKey(
  format: BinaryFormat,
  channel: number,
  high: number,
  low: number,
): number {
  const { datatype, bits } = storedAs(format, channel)
  if (datatype === 'I') {
    if (format.datatype !== 'mixed' && bits === 16) return high >>> 16
    return bits > 32 ? high * 2 ** 32 + low : high
  }
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
