import type { ByteSource } from '../fcs/index.ts'

/** What is read ahead of a reader that goes on where it was: a request to S3 costs as much as a megabyte of bytes. */
const AHEAD_BYTES = 2 * 1024 * 1024

/** Reads by `fetch`, which gives memory of its own: just what is asked for, and ahead once reads follow each other. */
export function readAhead(
  size: number,
  fetch: (offset: number, length: number) => Promise<Uint8Array>,
): ByteSource {
  let held: Uint8Array = new Uint8Array()
  let heldAt = 0
  let next = -1
  return {
    size,
    async read(offset, length) {
      const follows = offset === next
      const end = offset + length
      next = end
      if (offset < heldAt || end > heldAt + held.length) {
        const ahead = follows ? Math.max(length, Math.min(AHEAD_BYTES, size - offset)) : length
        held = await fetch(offset, ahead)
        heldAt = offset
      }
      return held.subarray(offset - heldAt, end - heldAt)
    },
  }
}
