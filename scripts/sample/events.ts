/** Measures drawn cells as a cytometer would: spillover, noise, trigger threshold, pulse heights. */

import { type Cell, drawCell, unitWidth } from './cells.ts'
import { panel, spillover } from './panel.ts'
import { normal, type Random } from './random.ts'

/** The instrument records a pulse only when its FSC-H reaches this. */
const threshold = 150_000

/** Standard deviation of a detector's signal in the dark. */
const darkNoise = 190

/** Variance that each unit of light adds: photons arrive one by one. */
const lightNoise = 55

/** One column per channel of the panel, `total` events each; Time runs over `seconds`. */
export function recordEvents(random: Random, total: number, seconds: number): Float32Array[] {
  const columns = panel.map(() => new Float32Array(total))
  const times = Float64Array.from({ length: total }, () =>
    Math.floor(random() * seconds * 1e6),
  ).sort()
  times.forEach((time, event) => {
    const values = [...recordCell(random), time]
    columns.forEach((column, channel) => {
      column[event] = values[channel] ?? Number.NaN
    })
  })
  return columns
}

/** Everything but Time, in the panel's order. */
function recordCell(random: Random): number[] {
  for (;;) {
    const cell = drawCell(random)
    const fsc = scatter(cell.fsc, cell.width, random)
    const ssc = scatter(cell.ssc, cell.width, random)
    if (fsc.height < threshold) continue
    const fluorescence = detectors(cell, random).flatMap((area) => [
      pulseHeight(area, cell.width, random),
      area,
    ])
    return [fsc.height, fsc.area, ssc.height, ssc.area, ...fluorescence, cell.width].map(quarter)
  }
}

function scatter(area: number, width: number, random: Random) {
  return { area: area * (1 + 0.008 * normal(random)), height: pulseHeight(area, width, random) }
}

/** Areas FL1 to FL10: every dye spills into its neighbours, and light and electronics add noise. */
function detectors(cell: Cell, random: Random): number[] {
  return cell.background.map((background, detector) => {
    const light = cell.dyes.reduce(
      (sum, dye, i) => sum + dye * (spillover[i]?.[detector] ?? 0),
      background,
    )
    return light + Math.sqrt(lightNoise * light + darkNoise * darkNoise) * normal(random)
  })
}

/** A height is a peak, so the dark signal keeps it above zero even where the area is below. */
function pulseHeight(area: number, width: number, random: Random): number {
  const peak = (Math.max(area, 0) * unitWidth * (1 + 0.015 * normal(random))) / width
  const dark = darkNoise * (1.5 + 0.25 * normal(random))
  return Math.sqrt(peak * peak + dark * dark)
}

/** Values are kept in quarters, so that a last bit in which two engines differ can't show; no -0. */
function quarter(value: number): number {
  return Math.floor(value * 4 + 0.5) / 4
}
