/** Values of one type and width, in an order that typed arrays read. */
export type UniformFormat = {
  datatype: 'F' | 'D' | 'I'
  byteOrder: 'little' | 'big'
  /** Width of every value: 16 or 32 for `I`, 32 for `F`, 64 for `D`. */
  bits: 16 | 32 | 64
  /** One per parameter: what integers are ANDed with, null where every bit counts. */
  masks: (number | null)[]
}

export type Channel = {
  datatype: 'F' | 'D' | 'I'
  /** 8 to 64, whole bytes. */
  bits: number
  /** How many of an integer's lowest bits are its value, null where every bit is. */
  mask: number | null
}

/** Values of any whole number of bytes, each with a type of its own, in any order of bytes. */
export type MixedFormat = {
  datatype: 'mixed'
  /** As `$BYTEORD`: the significance of each byte in turn, 1 for the least. */
  byteOrder: number[]
  channels: Channel[]
}

/** Numbers written as text. */
export type AsciiFormat = {
  datatype: 'A'
  /** Characters of each parameter; null where separators end a number. */
  widths: number[] | null
  parameters: number
}

/** How the values of a data set are stored. */
export type Format = BinaryFormat | AsciiFormat
export type BinaryFormat = UniformFormat | MixedFormat

export function channelCount(format: Format): number {
  if (format.datatype === 'A') return format.parameters
  return format.datatype === 'mixed' ? format.channels.length : format.masks.length
}

/** Bytes of an event, or 0 where text without fixed widths makes them differ. */
export function eventBytes(format: Format): number {
  if (format.datatype === 'A') return sum(format.widths ?? [])
  if (format.datatype === 'mixed') return sum(format.channels.map(({ bits }) => bits / 8))
  return (format.bits / 8) * format.masks.length
}

/** The type of a parameter and the bits of each of its values, 0 where they differ in length. */
export function storedAs(
  format: Format,
  channel: number,
): { datatype: 'F' | 'D' | 'I' | 'A'; bits: number } {
  const { datatype } = format
  if (datatype === 'A') return { datatype, bits: 8 * (format.widths?.[channel] ?? 0) }
  if (datatype !== 'mixed') return { datatype, bits: format.bits }
  const { datatype: own = 'I', bits = 0 } = format.channels[channel] ?? {}
  return { datatype: own, bits }
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)
