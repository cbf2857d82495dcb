import type { FcsSpec } from './fcs-writer.ts'

/** Five events of three channels in float32; tests change what they are about. */
export const small: FcsSpec = {
  parameters: [
    { name: 'FSC-A', range: 262144 },
    { name: 'FL1-A', label: 'CD4 PE', range: 262144 },
    { name: 'Time', range: 1000 },
  ],
  columns: [
    [1.5, 100, -0.25, 1, 4],
    [-2.25, 200000, 7, 2, 5],
    [0, 3.75, 8.5, 3, 6],
  ],
}

/** The same five events as they are read, by event. */
export const smallEvents = [
  [1.5, -2.25, 0],
  [100, 200000, 3.75],
  [-0.25, 7, 8.5],
  [1, 2, 3],
  [4, 5, 6],
]

/** Integers in two channels. */
export function integers(bits: number, range: number, columns: number[][]): FcsSpec {
  const parameters = columns.map((_, i) => ({ name: `FL${i + 1}-H`, bits, range }))
  return { datatype: 'I', parameters, columns }
}

/** HEADER with another number, or other text, in one of its six fields. */
export function headerField(field: number, value: number | string) {
  return (header: string) => {
    const at = 10 + 8 * field
    return header.slice(0, at) + String(value).padStart(8) + header.slice(at + 8)
  }
}
