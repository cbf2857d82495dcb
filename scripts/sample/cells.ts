/** Draws what passes the laser: a single cell, or two of them stuck together. */

import { dyes } from './panel.ts'
import { type Population, populations } from './populations.ts'
import { exponential, logNormal, normal, type Random } from './random.ts'

/** Light before any detector sees it: areas in channel units, `width` in FSC-Width units. */
export type Cell = {
  fsc: number
  ssc: number
  width: number
  /** Light of each dye, in the order of the detectors made for them. */
  dyes: number[]
  /** Autofluorescence in each detector. */
  background: number[]
}

/** A pulse of this width has its area equal to its height. */
export const unitWidth = 1_000

const doublets = 0.045

/** Autofluorescence of a lymphocyte, FL1 to FL10: strong in violet and green, faint in far red. */
const autofluorescence = [720, 560, 430, 260, 150, 190, 130, 110, 640, 880]

const mixture = Object.values(populations)

const totalWeight = mixture.reduce((sum, { weight }) => sum + weight, 0)

export function drawCell(random: Random): Cell {
  const cell = single(pick(random), random)
  return random() < doublets ? pair(cell, single(pick(random), random), random) : cell
}

function pick(random: Random): Population {
  let left = random() * totalWeight
  for (const population of mixture) {
    left -= population.weight
    if (left < 0) return population
  }
  throw new Error('the weights do not add up')
}

function single(population: Population, random: Random): Cell {
  // Within a population a larger cell scatters more to the side and carries more of everything.
  const size = normal(random)
  const [fsc, fscSigma] = population.fsc
  const [ssc, sscSigma] = population.ssc
  return {
    fsc: fsc * exponential(fscSigma * size),
    ssc: ssc * exponential(sscSigma * (0.5 * size + 0.866 * normal(random))),
    width: population.width * (1 + 0.012 * size + 0.018 * normal(random)),
    dyes: dyes.map(({ marker }) => {
      const spread = population.stain[marker]
      return spread ? logNormal(random, ...spread) * exponential(0.08 * size) : 0
    }),
    background: autofluorescence.map(
      (median) => population.background * logNormal(random, median, 0.28) * exponential(0.1 * size),
    ),
  }
}

/** Two cells in one pulse: the areas add up, the height hardly grows, so the width does. */
function pair(a: Cell, b: Cell, random: Random): Cell {
  const overlap = random()
  const height = unitWidth * Math.max(a.fsc / a.width, b.fsc / b.width) * (1.02 + 0.3 * overlap)
  const fsc = a.fsc + b.fsc
  return {
    fsc,
    ssc: a.ssc + b.ssc,
    width: (fsc * unitWidth) / height,
    dyes: a.dyes.map((light, i) => light + (b.dyes[i] ?? 0)),
    background: a.background.map((light, i) => light + (b.background[i] ?? 0)),
  }
}
