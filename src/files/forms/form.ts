import type { Column } from '../../fcs/index.ts'

/** One channel's values of a block of events, in the type that the file stores. */
export type Values = Column | Uint8Array | BigUint64Array

/**
 * Blocks of events in their order, each one array of values per channel; one block at least, if an empty one. Whoever
 * takes a block may do with its memory as it likes.
 */
export type Blocks = AsyncIterable<readonly Values[]>

/** A form that events are streamed in. */
export type Form = {
  mediaType: string
  /** The media type with its parameters. */
  contentType: string
  /** What the name of a file in this form ends with. */
  extension: string
  /** Of a block, at most. Text is kept short, for other requests wait while it is written. */
  blockValues: number
  write(names: readonly string[], blocks: Blocks): AsyncGenerator<Uint8Array, void>
}
