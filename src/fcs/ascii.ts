import { FcsError } from './errors.ts'
import type { AsciiFormat, UniformFormat } from './format.ts'

/** Every so many events of no fixed length, the place where the next begins is noted. */
export const CHECKPOINT_EVENTS = 65_536

const BATCH_VALUES = 8192
const LONGEST_NUMBER = 64
const IS_SEPARATOR = Uint8Array.from({ length: 256 }, (_, byte) =>
  [0x09, 0x0a, 0x0d, 0x20, 0x2c].includes(byte) ? 1 : 0,
)

/** How the values are stored once text is read: as float64. */
export function asDoubles({ parameters }: AsciiFormat): UniformFormat {
  const masks = Array.from({ length: parameters }, () => null)
  return { datatype: 'D', byteOrder: 'little', bits: 64, masks }
}

/**
 * Reads numbers written as text (`$DATATYPE` A) from pieces of any length, and emits their float64
 * values as bytes, at most `events` events of them. The bytes are overwritten after `emit`.
 */
export function createAsciiReader(
  { widths, parameters }: AsciiFormat,
  events: number,
  emit: (bytes: Uint8Array) => void,
) {
  const most = events * parameters
  const batch = new Float64Array(BATCH_VALUES)
  const token = new Uint8Array(LONGEST_NUMBER)
  const checkpoints: number[] = []
  let length = 0
  let inBatch = 0
  let values = 0
  let position = 0
  let hasMore = false

  let untilCheckpoint = CHECKPOINT_EVENTS * parameters
  let field = 0

  const flush = () => {
    emit(new Uint8Array(batch.buffer, 0, 8 * inBatch))
    inBatch = 0
  }
  const finish = (at: number) => {
    batch[inBatch++] = numberOf(token, length)
    length = 0
    values++
    field = field + 1 === parameters ? 0 : field + 1
    if (inBatch === BATCH_VALUES) flush()
    if (--untilCheckpoint > 0) return
    untilCheckpoint = CHECKPOINT_EVENTS * parameters
    if (widths === null) checkpoints.push(at)
  }

  return {
    push(bytes: Uint8Array): void {
      for (let i = 0; i < bytes.length; i++) {
        const byte = bytes[i] ?? 0
        if (widths === null && IS_SEPARATOR[byte] === 1) {
          if (length > 0) finish(position + i)
          continue
        }
        if (values === most) {
          hasMore = true
          return
        }
        if (length === LONGEST_NUMBER) throw notANumber()
        token[length++] = byte
        if (widths !== null && length === widths[field]) finish(position + i)
      }
      position += bytes.length
    },
    /** After the last piece. */
    end(): { checkpoints: number[]; hasMore: boolean } {
      if (widths === null && length > 0) finish(position)
      flush()
      if (values < most) {
        const message = `DATA holds ${values} numbers, fewer than the ${most} of $TOT events.`
        throw new FcsError('tot', message)
      }
      return { checkpoints, hasMore }
    },
    isFull: () => values === most,
  }
}

/** A number of decimal digits, which all but a few writers mean, or one with sign, point or exponent. */
function numberOf(token: Uint8Array, length: number): number {
  let begin = 0
  while (begin < length && token[begin] === 0x20) begin++
  if (begin === length || length - begin > 15) return slowNumberOf(token, length)
  let value = 0
  for (let i = begin; i < length; i++) {
    const digit = (token[i] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return slowNumberOf(token, length)
    value = 10 * value + digit
  }
  return value
}

function slowNumberOf(token: Uint8Array, length: number): number {
  const text = String.fromCharCode(...token.subarray(0, length)).trim()
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) throw notANumber()
  return Number(text)
}

function notANumber(): FcsError {
  return new FcsError('value', 'DATA stored as text ($DATATYPE A) holds something but numbers.')
}
