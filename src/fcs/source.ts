/**
 * Where the bytes of a stored file come from: `read` gives exactly `length` bytes, or throws. What it gives may be
 * overwritten by the next read but one.
 */
export type ByteSource = {
  readonly size: number
  read(offset: number, length: number): Promise<Uint8Array>
}
