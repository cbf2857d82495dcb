/** A square matrix, row after row. */
export type Matrix = { readonly size: number; readonly values: Float64Array }

/**
 * Inverts a matrix by Gauss-Jordan elimination with partial pivoting, and tells its condition number in the
 * 1-norm: how much larger relative errors may become. Null when it is singular.
 */
export function invert({ size, values }: Matrix): { inverse: Matrix; condition: number } | null {
  const width = 2 * size
  const rows = Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(width)
    row.set(values.subarray(i * size, (i + 1) * size))
    row[size + i] = 1
    return row
  })
  for (let column = 0; column < size; column++) {
    let best = column
    const sizeAt = (row: number) => Math.abs(rows[row]?.[column] ?? 0)
    for (let row = column + 1; row < size; row++) if (sizeAt(row) > sizeAt(best)) best = row
    const pivotRow = rows[best]
    const swapped = rows[column]
    const pivot = pivotRow?.[column] ?? 0
    if (!pivotRow || !swapped || pivot === 0) return null
    rows[best] = swapped
    rows[column] = pivotRow
    for (let i = 0; i < width; i++) pivotRow[i] = (pivotRow[i] ?? 0) / pivot
    for (const [at, row] of rows.entries()) {
      const factor = row[column] ?? 0
      if (at === column || factor === 0) continue
      for (let i = 0; i < width; i++) row[i] = (row[i] ?? 0) - factor * (pivotRow[i] ?? 0)
    }
  }
  const inverse = { size, values: new Float64Array(size * size) }
  for (const [i, row] of rows.entries()) inverse.values.set(row.subarray(size), i * size)
  const condition = columnNorm({ size, values }) * columnNorm(inverse)
  return Number.isFinite(condition) ? { inverse, condition } : null
}

/** The largest sum of magnitudes in a column. */
function columnNorm({ size, values }: Matrix): number {
  let largest = 0
  for (let column = 0; column < size; column++) {
    let sum = 0
    for (let at = column; at < values.length; at += size) sum += Math.abs(values[at] ?? 0)
    // Not Math.max, which is as good: a NaN has to come through.
    if (!(sum <= largest)) largest = sum
  }
  return largest
}
