import { BLOCK_BYTES, LEAST_ROWS, MOST_ROWS } from '../block.ts'
import { COMPILED } from './compiled.ts'

/** Of events that are wider, too few would fit in a block to be worth it. */
export const MOST_CHANNELS = 1024

const EVENTS_BYTES = Math.max(BLOCK_BYTES, LEAST_ROWS * 4 * MOST_CHANNELS)

export const LANES = 4

// Where things are in the memory of the kernels, which may read and write 12 bytes beyond the events.
const EVENTS = 0
const BOUNDS = EVENTS_BYTES + 64
const OUT = BOUNDS + 32
const LISTS = OUT + 96

/** Loops over the events in `events` for four channels at a time, at the speed of the processor's vectors. */
type Kernels = ReturnType<typeof createKernels>

let shared: Kernels | undefined

/** The kernels, whose memory all callers share: what is in it lasts until the next of them. */
export function float32Kernels(): Kernels {
  shared ??= createKernels()
  return shared
}

function createKernels() {
  const bytes = Uint8Array.from(atob(COMPILED), (character) => character.charCodeAt(0))
  const { memory, moments, split, swap } = new WebAssembly.Instance(new WebAssembly.Module(bytes))
    .exports
  if (
    !(memory instanceof WebAssembly.Memory) ||
    typeof moments !== 'function' ||
    typeof split !== 'function' ||
    typeof swap !== 'function'
  ) {
    throw new Error('compiled.ts is not what kernels.wat says')
  }
  const { buffer } = memory
  const bounds = new Float32Array(buffer, BOUNDS, 2 * LANES)
  return {
    /** Where a block of events goes. */
    events: new Uint8Array(buffer, EVENTS, EVENTS_BYTES),
    floats: new Float32Array(buffer, EVENTS, EVENTS_BYTES / 4),
    /** What `moments` gives, per lane: extremes, sums of distances from the first event's value, and of their squares. */
    least: new Float32Array(buffer, OUT, LANES),
    most: new Float32Array(buffer, OUT + 16, LANES),
    sums: new Float64Array(buffer, OUT + 32, LANES),
    squares: new Float64Array(buffer, OUT + 64, LANES),
    /** What `split` gives, per lane: how many values are below the bounds, and how many within. */
    below: new Int32Array(buffer, OUT, LANES),
    within: new Int32Array(buffer, OUT + 16, LANES),
    /** The latter themselves, and where a lane's are among them. */
    lists: new Float32Array(buffer, LISTS, LANES * MOST_ROWS),
    listPlaces: Array.from({ length: LANES }, (_, lane) => ({ offset: lane * MOST_ROWS, step: 1 })),

    swap: (length: number): void => swap(EVENTS, length),
    /** Of the four channels from `channel` on; lanes beyond the last channel mean nothing. */
    moments(channel: number, channels: number, rows: number): void {
      moments(EVENTS + 4 * channel, 4 * channels, rows, OUT)
    },
    setBounds(lane: number, { low, high }: { low: number; high: number }): void {
      bounds[lane] = low
      bounds[LANES + lane] = high
    },
    split(channel: number, channels: number, rows: number): void {
      split(EVENTS + 4 * channel, 4 * channels, rows, BOUNDS, OUT, LISTS, 4 * MOST_ROWS)
    },
  }
}
