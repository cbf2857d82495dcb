/**
 * Moves values until the one at `rank` of the first `length` is where sorting would put it, with none larger before it
 * and none smaller behind it (Hoare's FIND, 1961), and returns it. Far cheaper than sorting, and without NaN only.
 */
export function nthSmallest(
  values: Float32Array | Float64Array,
  length: number,
  rank: number,
): number {
  let left = 0
  let right = length - 1
  while (left < right) {
    // A pivot by chance: no order of the values makes this slow.
    const pivot = values[left + Math.floor(Math.random() * (right - left + 1))] ?? 0
    let up = left
    let down = right
    while (up <= down) {
      while ((values[up] ?? 0) < pivot) up++
      while ((values[down] ?? 0) > pivot) down--
      if (up > down) break
      const value = values[up] ?? 0
      values[up++] = values[down] ?? 0
      values[down--] = value
    }
    if (rank <= down) right = down
    else if (rank >= up) left = up
    else break
  }
  return values[rank] ?? Number.NaN
}
