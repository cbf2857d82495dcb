import type { BinaryFormat, MixedFormat, UniformFormat } from './format.ts'
import { gather, stridesOf } from './gather.ts'

/** The values of one channel, in the type that the file stores, or the next wider one. */
export type Column = Float32Array | Float64Array | Uint16Array | Uint32Array | BigUint64Array

/** Turns bytes into the order of this machine, in place; every machine that runs this is little-endian. */
export function toHostOrder(bytes: Uint8Array, format: BinaryFormat): void {
  // Values of mixed formats are put in order one parameter at a time.
  if (format.datatype === 'mixed' || format.byteOrder === 'little') return
  const { bits } = format
  if (bits === 16) swap16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2))
  else swap32(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
  if (bits === 64) swapWords(new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4))
}

function swap16(values: Uint16Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    values[i] = (value << 8) | (value >>> 8)
  }
}

function swap32(values: Uint32Array): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    values[i] = (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)
  }
}

function swapWords(values: Uint32Array): void {
  for (let i = 0; i < values.length; i += 2) {
    const low = values[i] ?? 0
    values[i] = values[i + 1] ?? 0
    values[i + 1] = low
  }
}

/**
 * The values of the wanted channels out of whole events in host order; integers masked. `events`
 * must be aligned to the width of a value.
 */
export function pickColumns(events: Uint8Array, format: BinaryFormat, wanted: number[]): Column[] {
  if (format.datatype !== 'mixed') {
    return wanted.map((channel) => pickUniform(events, format, channel))
  }
  const strides = stridesOf(format)
  return wanted.flatMap((channel) => {
    const strided = strides[channel]
    if (strided === undefined) return []
    const rows = events.length / strided.stride
    const words = new Int32Array(strided.places.length > 4 ? 2 * rows : rows)
    gather(events, strided, rows, words)
    return [asColumn(words.buffer, format, channel)]
  })
}

function asColumn(buffer: ArrayBuffer, { channels }: MixedFormat, channel: number): Column {
  const { datatype = 'I', bits = 32, mask = null } = channels[channel] ?? {}
  if (datatype === 'F') return new Float32Array(buffer)
  if (datatype === 'D') return new Float64Array(buffer)
  if (bits > 32) {
    const column = new BigUint64Array(buffer)
    const ones = 2n ** BigInt(mask ?? 64) - 1n
    return mask === null ? column : column.map((value) => value & ones)
  }
  const column = new Uint32Array(buffer)
  return mask === null ? column : column.map((value) => value & (2 ** mask - 1))
}

function pickUniform(events: Uint8Array, format: UniformFormat, channel: number): Column {
  const { datatype, bits, masks } = format
  const { buffer, byteOffset, length } = events
  const rows = length / (bits / 8) / masks.length
  const mask = masks[channel] ?? -1
  if (datatype === 'F') {
    const values = new Float32Array(buffer, byteOffset, length / 4)
    return pick(values, new Float32Array(rows), channel, masks.length)
  }
  if (datatype === 'D') {
    const values = new Float64Array(buffer, byteOffset, length / 8)
    return pick(values, new Float64Array(rows), channel, masks.length)
  }
  const column =
    bits === 16
      ? pick(
          new Uint16Array(buffer, byteOffset, length / 2),
          new Uint16Array(rows),
          channel,
          masks.length,
        )
      : pick(
          new Uint32Array(buffer, byteOffset, length / 4),
          new Uint32Array(rows),
          channel,
          masks.length,
        )
  return mask === -1 ? column : column.map((value) => value & mask)
}

function pick<T extends Exclude<Column, BigUint64Array>>(
  values: T,
  column: T,
  channel: number,
  channels: number,
): T {
  for (let i = 0, at = channel; i < column.length; i++, at += channels) column[i] = values[at] ?? 0
  return column
}
