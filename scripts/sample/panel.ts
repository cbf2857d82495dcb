/** The sample's channels: names, labels, ranges, display and spillover. */

export type Channel = {
  name: string
  label: string
  range: number
  display: 'LIN' | 'LOG'
  /** $PnV of the detector; none for what is not a detector. */
  voltage?: number
}

/** In detector order FL1 to FL10. */
export const dyes = [
  { marker: 'TCRgd', fluorochrome: 'FITC', voltage: 82 },
  { marker: 'CD4', fluorochrome: 'PE', voltage: 68 },
  { marker: 'CD2', fluorochrome: 'ECD', voltage: 91 },
  { marker: 'CD56', fluorochrome: 'PC5.5', voltage: 103 },
  { marker: 'CD5', fluorochrome: 'PC7', voltage: 118 },
  { marker: 'CD34', fluorochrome: 'APC', voltage: 96 },
  { marker: 'CD7', fluorochrome: 'APC-A700', voltage: 87 },
  { marker: 'CD8', fluorochrome: 'APC-A750', voltage: 124 },
  { marker: 'CD3', fluorochrome: 'PB450', voltage: 59 },
  { marker: 'CD45', fluorochrome: 'KO525', voltage: 77 },
] as const

export type Marker = (typeof dyes)[number]['marker']

const fullScale = 2 ** 24 - 1

/** FSC-Width runs to 10,000 and Time to 900 s in microseconds. */
export const panel: Channel[] = [
  ...detector('FSC', 'FSC', 'LIN', 140),
  ...detector('SSC', 'SSC', 'LIN', 74),
  ...dyes.flatMap(({ marker, fluorochrome, voltage }, i) =>
    detector(`FL${i + 1}`, `${marker} ${fluorochrome}`, 'LOG', voltage),
  ),
  { name: 'FSC-Width', label: 'FSC-Width', range: 10_000, display: 'LIN' },
  { name: 'Time', label: 'Time', range: 900_000_000, display: 'LIN' },
]

function detector(
  name: string,
  label: string,
  display: Channel['display'],
  voltage: number,
): Channel[] {
  return ['H', 'A'].map((pulse) => ({
    name: `${name}-${pulse}`,
    label: `${label}-${pulse}`,
    range: fullScale,
    display,
    voltage,
  }))
}

/** One row per dye, one column per detector: what share of the dye's light each detector sees. */
// biome-ignore format: a matrix is read by its columns
export const spillover = [
  // FL1  FL2    FL3    FL4    FL5    FL6    FL7    FL8    FL9    FL10
  [1,     0.118, 0.031, 0.008, 0.002, 0,     0,     0,     0,     0.042],
  [0.012, 1,     0.288, 0.081, 0.016, 0,     0,     0,     0,     0.003],
  [0.004, 0.142, 1,     0.276, 0.034, 0.011, 0.004, 0.001, 0,     0.001],
  [0.001, 0.009, 0.013, 1,     0.238, 0.029, 0.161, 0.038, 0,     0],
  [0.002, 0.019, 0.008, 0.032, 1,     0.002, 0.011, 0.124, 0,     0],
  [0,     0.001, 0.002, 0.021, 0.007, 1,     0.184, 0.057, 0,     0],
  [0,     0,     0.001, 0.027, 0.041, 0.022, 1,     0.226, 0,     0],
  [0,     0.001, 0.001, 0.004, 0.087, 0.031, 0.052, 1,     0,     0],
  [0.001, 0,     0,     0,     0,     0,     0,     0,     1,     0.104],
  [0.049, 0.028, 0.014, 0.003, 0.001, 0,     0,     0,     0.037, 1],
]
