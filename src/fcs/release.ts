/**
 * Frees the memory behind an array at once, which nothing may read from then on. The garbage
 * collector would wait, and in the meantime a stream of gigabytes takes new memory for every block.
 */
export function release({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
