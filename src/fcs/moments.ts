import { type Batch, keepFinite } from './batch.ts'

/** Running count, extremes, mean and sum of squared distances from the mean of a channel. */
export type Moments = {
  count: number
  nonFinite: number
  min: number
  max: number
  mean: number
  squares: number
}

export function createMoments(): Moments {
  return { count: 0, nonFinite: 0, min: Infinity, max: -Infinity, mean: 0, squares: 0 }
}

/** Adds a batch, and leaves in it the finite values only. */
export function addBatch(moments: Moments, batch: Batch): void {
  if (addSums(moments, sumsOf(batch))) return
  const { length } = batch
  keepFinite(batch)
  moments.nonFinite += length - batch.length
  if (batch.length > 0 && !addSums(moments, sumsOf(batch))) {
    // Finite values whose squares overflow: the extremes still hold, mean and spread don't.
    merge(moments, batch.length, Number.NaN, Number.NaN)
    for (let i = 0; i < batch.length; i++) extend(moments, batch.values[i] ?? 0)
  }
}

/** Over the values less `origin`, which is one of them and so keeps the squares small. */
type Sums = {
  count: number
  origin: number
  sum: number
  squares: number
  min: number
  max: number
}

/**
 * Merges two groups' moments after Chan, Golub and LeVeque (1979). False, with nothing added, when the sums are not
 * finite, as they are for values that are not: that spares loops a check of every value.
 */
export function addSums(moments: Moments, sums: Sums): boolean {
  const { count, origin, sum, squares, min, max } = sums
  if (!Number.isFinite(squares)) return false
  merge(moments, count, origin + sum / count, squares - (sum * sum) / count)
  extend(moments, min)
  extend(moments, max)
  return true
}

function sumsOf({ length, values }: Batch): Sums {
  const origin = values[0] ?? 0
  let sum = 0
  let squares = 0
  let min = Infinity
  let max = -Infinity
  for (let i = 0; i < length; i++) {
    const value = values[i] ?? 0
    if (value < min) min = value
    if (value > max) max = value
    const distance = value - origin
    sum += distance
    squares += distance * distance
  }
  return { count: length, origin, sum, squares, min, max }
}

function merge(moments: Moments, count: number, mean: number, squares: number): void {
  const total = moments.count + count
  const distance = mean - moments.mean
  moments.mean += (distance * count) / total
  moments.squares += squares + (distance * distance * moments.count * count) / total
  moments.count = total
}

function extend(moments: Moments, value: number): void {
  if (value < moments.min) moments.min = value
  if (value > moments.max) moments.max = value
}
