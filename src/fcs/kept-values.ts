/** Memory for the values kept of all channels together. */
const MOST_BYTES = 16 * 1024 * 1024

/** Per channel: fewer would tell too little of the others. */
const LEAST_ROOM = 256

/** More would cost time and hardly tell more. */
const MOST_SAMPLED = 32_768

const FIRST_ROOM = 64

export type Values = Float32Array | Float64Array

/** Where values are in an array: the first of them, and how far it is from each to the next. */
export type Place = { offset: number; step: number }

export const SIDE_BY_SIDE: Place = { offset: 0, step: 1 }

/** Values out of a stream: all of them while there is room, then some, picked by chance. */
export type KeptValues = {
  values: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
  length: number
  /** How many came. */
  seen: number
  /** One of so many is kept on average; 1 while all are. */
  stride: number
  /** How many more to pass over. */
  skip: number
  room: number
}

/** `isSingle` says that float32 holds every value; `channels` share the memory. */
export function createKeptValues(channels: number, isSingle: boolean): KeptValues {
  const size = isSingle ? Float32Array.BYTES_PER_ELEMENT : Float64Array.BYTES_PER_ELEMENT
  return {
    values: isSingle ? new Float32Array(FIRST_ROOM) : new Float64Array(FIRST_ROOM),
    length: 0,
    seen: 0,
    stride: 1,
    skip: 0,
    room: Math.max(LEAST_ROOM, Math.floor(MOST_BYTES / size / channels)),
  }
}

export function forgetAll(kept: KeptValues): void {
  kept.length = 0
  kept.seen = 0
  kept.stride = 1
  kept.skip = 0
}

export function keep(kept: KeptValues, values: Values, length: number, place: Place): void {
  kept.seen += length
  const fitting = kept.stride === 1 ? Math.min(length, kept.room - kept.length) : 0
  if (fitting > 0) append(kept, values, fitting, place)
  if (fitting < length) pick(kept, values, fitting, length, place)
}

function append(kept: KeptValues, values: Values, count: number, { offset, step }: Place): void {
  if (kept.length + count > kept.values.length) grow(kept, kept.length + count)
  const to = kept.values
  for (let i = 0, at = offset; i < count; i++, at += step) to[kept.length + i] = values[at] ?? 0
  kept.length += count
}

// Memory is taken as values come, not as a file says that they will, and given back at once: the garbage collector
// would let it pile up.
function grow(kept: KeptValues, needed: number): void {
  const { values } = kept
  const length = Math.min(kept.room, Math.max(needed, 2 * values.length))
  const buffer = values.buffer.transfer(length * values.BYTES_PER_ELEMENT)
  kept.values = values instanceof Float32Array ? new Float32Array(buffer) : new Float64Array(buffer)
}

function pick(
  kept: KeptValues,
  values: Values,
  from: number,
  length: number,
  { offset, step }: Place,
): void {
  const most = Math.min(kept.room, MOST_SAMPLED)
  let at = from + kept.skip
  while (at < length) {
    if (kept.length >= most) thin(kept, most / 2)
    kept.values[kept.length++] = values[offset + at * step] ?? 0
    at += 1 + Math.floor(Math.random() * (2 * kept.stride - 1))
  }
  kept.skip = at - length
}

/** Leaves at most so many: of each run of values one, by chance, so that no file can be made for them to mislead. */
function thin(kept: KeptValues, most: number): void {
  const { values } = kept
  const run = Math.ceil(kept.length / most)
  kept.length = Math.floor(kept.length / run)
  for (let i = 0; i < kept.length; i++) {
    values[i] = values[run * i + Math.floor(Math.random() * run)] ?? 0
  }
  kept.stride *= run
}
