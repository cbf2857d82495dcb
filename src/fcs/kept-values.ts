/** Memory for the values kept of all channels together. */
const MOST_BYTES = 16 * 1024 * 1024

/** Per channel: fewer would tell too little of the others. */
const LEAST_ROOM = 256

/** More would cost time and hardly tell more. */
const MOST_SAMPLED = 65_536

const FIRST_ROOM = 64

/** Values out of a stream: all of them while there is room, then some, picked by chance. */
export type KeptValues = {
  values: Float32Array | Float64Array
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

/** Takes the first `length` values. */
export function keep(kept: KeptValues, values: Float64Array, length: number): void {
  kept.seen += length
  const fitting = kept.stride === 1 ? Math.min(length, kept.room - kept.length) : 0
  if (fitting > 0) {
    if (kept.length + fitting > kept.values.length) grow(kept, kept.length + fitting)
    kept.values.set(values.subarray(0, fitting), kept.length)
    kept.length += fitting
  }
  if (fitting < length) pick(kept, values, fitting, length)
}

// Memory is taken as values come, not as a file says that they will.
function grow(kept: KeptValues, needed: number): void {
  const room = Math.min(kept.room, Math.max(needed, 2 * kept.values.length))
  const larger =
    kept.values instanceof Float32Array ? new Float32Array(room) : new Float64Array(room)
  larger.set(kept.values)
  kept.values = larger
}

function pick(kept: KeptValues, values: Float64Array, from: number, length: number): void {
  const most = Math.min(kept.room, MOST_SAMPLED)
  let at = from + kept.skip
  while (at < length) {
    while (kept.length >= most) halve(kept)
    kept.values[kept.length++] = values[at] ?? 0
    at += 1 + Math.floor(Math.random() * (2 * kept.stride - 1))
  }
  kept.skip = at - length
}

/** Leaves one of every two, by chance: a file can't be made so that what is kept misleads. */
function halve(kept: KeptValues): void {
  const { values } = kept
  kept.length >>= 1
  for (let i = 0; i < kept.length; i++) {
    values[i] = values[2 * i + (Math.random() < 0.5 ? 0 : 1)] ?? 0
  }
  kept.stride *= 2
}
