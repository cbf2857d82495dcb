import { type BinaryFormat, eventBytes } from './format.ts'
import type { Pass } from './passes.ts'

/** Small enough to stay in the processor's cache while its channels are read one by one. */
export const BLOCK_BYTES = 128 * 1024

/** More than this and the rounding errors of one block's sums would add up. */
export const MOST_ROWS = 4096

/** Fewer than this and the work per block would outweigh that per value. */
export const LEAST_ROWS = 64

/** How many events make a block. */
export function blockRows(format: BinaryFormat): number {
  const rows = Math.floor(BLOCK_BYTES / eventBytes(format))
  return Math.min(MOST_ROWS, Math.max(LEAST_ROWS, rows))
}

/**
 * Cuts bytes that come in pieces of any length into blocks of whole events, and calls `onBlock` with each and with how
 * many events it has. The blocks of a file are the same however it comes, and so is what is computed of them.
 */
export function createBlocks(
  format: BinaryFormat,
  onBlock: (events: Uint8Array, rows: number) => void,
): Pass {
  const width = eventBytes(format)
  const size = width * blockRows(format)
  const begun = new Uint8Array(size)
  let length = 0
  return {
    push(piece) {
      let at = 0
      while (at < piece.length) {
        const isWhole = length === 0 && piece.length - at >= size
        const part = piece.subarray(at, at + size - length)
        at += part.length
        if (isWhole) {
          onBlock(part, size / width)
          continue
        }
        begun.set(part, length)
        length += part.length
        if (length < size) continue
        onBlock(begun, size / width)
        length = 0
      }
    },
    end() {
      if (length > 0) onBlock(begun.subarray(0, length), length / width)
    },
  }
}
