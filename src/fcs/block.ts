import { type Batch, createFill } from './batch.ts'
import { type BinaryFormat, eventBytes } from './format.ts'
import { toHostOrder } from './values.ts'

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
  format: BinaryFormat,
  onBlock: (channel: (index: number) => Batch) => void,
) {
  const width = eventBytes(format)
  const capacity = Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(BLOCK_BYTES / width)))
  const buffer = new ArrayBuffer(Math.ceil((capacity * width) / 8) * 8)
  const bytes = new Uint8Array(buffer, 0, capacity * width)
  const fill = createFill(buffer, format)
  const batch: Batch = { length: 0, values: new Float64Array(capacity), masked: 0 }
  let filled = 0

  const emit = () => {
    toHostOrder(bytes.subarray(0, filled), format)
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
