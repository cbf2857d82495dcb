/** What Bun gathers before it sends. */
const GATHERED = 2 ** 14

/**
 * The body of an answer that was waited for. Before a large one Bun sends each header by itself, which takes five times
 * as long as all the rest; before a stream it sends them together.
 */
export function inOnePiece(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | ReadableStream {
  if (bytes.length < GATHERED) return bytes
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}
