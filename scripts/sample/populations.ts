/** What the simulated blood holds: one row per kind of cell. Areas are in channel units, 0 to 2^24. */

import type { Marker } from './panel.ts'

/** Median area, and the standard deviation of its natural logarithm. */
export type Spread = readonly [median: number, sigma: number]

export type Population = {
  /** Share of the single events, relative to the other rows. */
  weight: number
  fsc: Spread
  ssc: Spread
  /** Median pulse width; larger cells take longer to cross the beam. */
  width: number
  /** Autofluorescence, as a multiple of a lymphocyte's. */
  background: number
  stain: Partial<Record<Marker, Spread>>
}

const lymphocyte = {
  fsc: [2_650_000, 0.12],
  ssc: [430_000, 0.2],
  width: 960,
  background: 1,
} as const

const largeLymphocyte = { ...lymphocyte, fsc: [2_850_000, 0.13], ssc: [530_000, 0.22] } as const

const t = {
  CD2: [62_000, 0.3],
  CD3: [185_000, 0.16],
  CD5: [118_000, 0.28],
  CD7: [58_000, 0.42],
  CD45: [152_000, 0.14],
} as const

const nk = {
  CD2: [34_000, 0.6],
  CD7: [92_000, 0.3],
  CD45: [138_000, 0.15],
  CD56: [38_000, 0.38],
} as const

const cd4: Spread = [265_000, 0.17]
const cd8: Spread = [236_000, 0.22]

export const populations: Record<string, Population> = {
  debris: {
    weight: 9,
    fsc: [260_000, 0.75],
    ssc: [120_000, 0.8],
    width: 790,
    background: 0.3,
    stain: { CD45: [1_800, 1.1] },
  },
  'T CD4': { ...lymphocyte, weight: 15.5, stain: { ...t, CD4: cd4 } },
  'T CD4, CD7 lost': {
    ...lymphocyte,
    weight: 1.5,
    stain: { ...t, CD4: cd4, CD7: [1_500, 0.6] },
  },
  'T CD8': { ...lymphocyte, weight: 8.5, stain: { ...t, CD8: cd8 } },
  'T CD8, CD56 gained': {
    ...largeLymphocyte,
    weight: 1,
    stain: { ...t, CD8: cd8, CD56: [21_000, 0.45], CD5: [62_000, 0.35] },
  },
  'T double positive': {
    ...lymphocyte,
    weight: 0.2,
    stain: { ...t, CD4: cd4, CD8: [60_000, 0.4] },
  },
  'T double negative': { ...lymphocyte, weight: 0.6, stain: t },
  'T gamma delta': {
    ...largeLymphocyte,
    weight: 1.1,
    stain: { ...t, CD3: [272_000, 0.15], CD5: [58_000, 0.4], TCRgd: [44_000, 0.35] },
  },
  'T gamma delta, CD8 dim': {
    ...largeLymphocyte,
    weight: 0.4,
    stain: { ...t, CD3: [262_000, 0.15], CD8: [36_000, 0.5], TCRgd: [41_000, 0.35] },
  },
  NK: { ...largeLymphocyte, weight: 3.4, stain: nk },
  'NK, CD8 dim': { ...largeLymphocyte, weight: 1.6, stain: { ...nk, CD8: [42_000, 0.5] } },
  'NK, CD56 bright': {
    ...largeLymphocyte,
    weight: 0.35,
    stain: { ...nk, CD2: [66_000, 0.3], CD56: [235_000, 0.25] },
  },
  B: { ...lymphocyte, weight: 4.6, stain: { CD45: [126_000, 0.16] } },
  'B, CD5 dim': {
    ...lymphocyte,
    weight: 0.5,
    stain: { CD45: [124_000, 0.16], CD5: [14_000, 0.4] },
  },
  monocytes: {
    weight: 6.2,
    fsc: [4_450_000, 0.12],
    ssc: [1_280_000, 0.19],
    width: 1_110,
    background: 2.6,
    stain: { CD4: [24_000, 0.3], CD45: [98_000, 0.16] },
  },
  neutrophils: {
    weight: 38,
    fsc: [5_050_000, 0.11],
    ssc: [3_900_000, 0.17],
    width: 1_150,
    background: 2.2,
    stain: { CD45: [34_000, 0.17] },
  },
  eosinophils: {
    weight: 1.8,
    fsc: [4_500_000, 0.1],
    ssc: [6_700_000, 0.13],
    width: 1_130,
    background: 7,
    stain: { CD45: [62_000, 0.16] },
  },
  'CD34 progenitors': {
    weight: 0.45,
    fsc: [3_350_000, 0.13],
    ssc: [640_000, 0.2],
    width: 1_020,
    background: 1.4,
    stain: { CD34: [64_000, 0.3], CD45: [21_000, 0.25] },
  },
}
