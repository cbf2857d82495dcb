import { type Batch, createFill, keepFinite } from './batch.ts'
import { blockRows, createBlocks } from './block.ts'
import { type BinaryFormat, eventBytes } from './format.ts'
import { addBatch, type Moments } from './moments.ts'
import type { Selection } from './selection.ts'
import { toHostOrder } from './values.ts'

/** What is known of a channel so far. */
export type State = {
  moments: Moments
  /** How many integers had bits beyond their mask. */
  masked: number
}

/** Takes all events, in pieces of any length that may be overwritten afterwards. */
export type Pass = { push(bytes: Uint8Array): void; end(): void }

export type Passes = {
  /** For the moments of every channel, and its part of the selection. */
  first(): Pass
  /** For the channels whose selection is open. */
  again(): Pass
}

/** Passes over events of any format, one channel of a block at a time. */
export function createPasses(format: BinaryFormat, states: State[], selection: Selection): Passes {
  const rows = blockRows(format)
  // Typed arrays begin at multiples of their width, and the bytes of a file anywhere.
  const aligned = new ArrayBuffer(Math.ceil((rows * eventBytes(format)) / 8) * 8)
  const fill = createFill(aligned, format)
  const batch: Batch = { length: 0, values: new Float64Array(rows), masked: 0 }

  const overChannels = (prepare: (state: State) => void) =>
    createBlocks(format, (events, rows) => {
      const bytes = new Uint8Array(aligned, 0, events.length)
      bytes.set(events)
      toHostOrder(bytes, format)
      for (const [channel, state] of states.entries()) {
        if (!selection.isOpen(channel)) continue
        batch.length = rows
        batch.masked = 0
        fill(batch, channel)
        prepare(state)
        selection.add(channel, batch.values, batch.length)
      }
    })

  return {
    first: () =>
      overChannels((state) => {
        state.masked += batch.masked
        addBatch(state.moments, batch)
      }),
    again: () =>
      overChannels(({ moments }) => {
        if (moments.nonFinite > 0) keepFinite(batch)
      }),
  }
}
