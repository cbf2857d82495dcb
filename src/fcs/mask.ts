import { FcsError } from './errors.ts'

/**
 * How many of an integer's lowest bits hold its value, null where all of `bits` do: up to the power
 * of two that `$PnR` needs, since instruments leave other things in the rest (FCS 3.1 §3.2.20).
 */
export function maskBits(range: string, n: number, bits: number): number | null {
  const needed = bitsBelow(range, n)
  return needed > 0 && needed < bits ? needed : null
}

/** How many bits count to one less than a range; 0 for a range that says nothing. */
function bitsBelow(range: string, n: number): number {
  // A double would round the ranges of 64-bit integers.
  if (/^\+?\d{1,30}$/.test(range)) {
    const whole = BigInt(range.replace('+', ''))
    return whole <= 1n ? 0 : (whole - 1n).toString(2).length
  }
  const number = Number(range)
  if (!Number.isFinite(number)) throw new FcsError('keyword', `$P${n}R is not a number.`)
  if (number <= 1) return 0
  let bits = 1
  while (2 ** bits < number) bits++
  return bits
}
