import type { DataLayout } from './layout.ts'

/** The values of one channel, in the type that the file stores. */
export type Column = Float32Array | Float64Array | Uint16Array | Uint32Array

/** Turns bytes into the order of this machine, in place; every machine that runs this is little-endian. */
export function toHostOrder(bytes: Uint8Array, { byteOrder, bits }: DataLayout): void {
  if (byteOrder === 'little') return
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
 * One channel's values out of whole events in host order; integers masked. `events` must be
 * aligned to the width of a value.
 */
export function pickColumn(events: Uint8Array, layout: DataLayout, channel: number): Column {
  const { datatype, bits, masks } = layout
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

function pick<T extends Column>(values: T, column: T, channel: number, channels: number): T {
  for (let i = 0, at = channel; i < column.length; i++, at += channels) column[i] = values[at] ?? 0
  return column
}
