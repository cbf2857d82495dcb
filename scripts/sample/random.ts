/**
 * Random numbers that are the same to the last bit on every machine and runtime: integer arithmetic
 * and the operations that IEEE 754 rounds exactly (+ - * /). `Math.exp`, `Math.log` and `Math.cos`
 * may differ between engines, so none of them is used.
 */

/** Uniform in [0, 1), in steps of 2^-32. */
export type Random = () => number

const rotateLeft = (x: number, bits: number) => (x << bits) | (x >>> (32 - bits))

/** Source: xoshiro128** 1.1 by Blackman and Vigna, its state filled from `seed` by splitmix32. */
export function xoshiro128(seed: number): Random {
  let mix = seed | 0
  const splitmix = () => {
    mix = (mix + 0x9e3779b9) | 0
    let z = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let a = splitmix()
  let b = splitmix()
  let c = splitmix()
  let d = splitmix()

  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotateLeft(d, 11)
    return (result >>> 0) / 2 ** 32
  }
}

/** Mean 0, standard deviation 1 and never beyond ±6: Irwin–Hall, the sum of 12 uniforms less 6. */
export function normal(random: Random): number {
  let sum = -6
  for (let i = 0; i < 12; i++) sum += random()
  return sum
}

/** `median` × e^(`sigma` × normal): how the brightness of one cell population spreads. */
export function logNormal(random: Random, median: number, sigma: number): number {
  return median * exponential(sigma * normal(random))
}

/** (1 + x/1024)^1024 by ten squarings: within 0.5 % of e^x for |x| < 3, and exactly reproducible. */
export function exponential(x: number): number {
  let power = 1 + x / 1024
  for (let i = 0; i < 10; i++) power *= power
  return power
}
