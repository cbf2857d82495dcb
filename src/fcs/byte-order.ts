import { FcsError, type FcsWarning } from './errors.ts'
import { type Keywords, required } from './keywords.ts'

const STANDARD = ['1,2,3,4', '4,3,2,1']

/**
 * `$BYTEORD`: the significance of each byte in turn, 1 for the least. Of 3.1 on the standard knows
 * two orders; files of every version have others.
 */
export function readByteOrder(
  version: string,
  keywords: Keywords,
  warnings: FcsWarning[],
): number[] {
  const written = required(keywords, '$BYTEORD').replaceAll(' ', '')
  const order = /^[1-8](,[1-8]){1,7}$/.test(written) ? written.split(',').map(Number) : []
  const isPermutation = order.length > 0 && order.every((_, i) => order.includes(i + 1))
  if (!isPermutation) {
    throw new FcsError('byte_order', '$BYTEORD is no order of 2 to 8 bytes, such as 1,2,3,4.')
  }
  if (version >= 'FCS3.1' && !STANDARD.includes(written)) {
    const message = '$BYTEORD is neither 1,2,3,4 nor 4,3,2,1, the only orders since FCS 3.1.'
    warnings.push({ code: 'byte_order', message })
  }
  return order
}

/** The order when it is one that holds for values of any width. */
export function endianness(order: number[]): 'little' | 'big' | null {
  if (order.every((place, i) => place === i + 1)) return 'little'
  return order.every((place, i) => place === order.length - i) ? 'big' : null
}

/**
 * The place of each byte of a value of `width` bytes, the least significant first. An order longer
 * than the value counts as far as its groups of `width` bytes are all alike: 3,4,1,2 has two
 * little-endian halves. Otherwise null.
 */
export function placesOf(order: number[], width: number): number[] | null {
  if (width === 1) return [0]
  const ascending = Array.from({ length: width }, (_, i) => i)
  const direction = endianness(order)
  if (direction !== null) return direction === 'little' ? ascending : ascending.reverse()
  if (order.length % width !== 0) return null
  const groups = Array.from({ length: order.length / width }, (_, g) =>
    order.slice(g * width, (g + 1) * width),
  )
  const shapes = groups.map((group) => {
    const least = Math.min(...group)
    return ascending.map((i) => group.indexOf(least + i))
  })
  const first = shapes[0] ?? []
  const isAlike = shapes.every((shape) => shape.join() === first.join())
  return isAlike && !first.includes(-1) ? first : null
}
