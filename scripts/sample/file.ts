/** Puts the simulated events and the panel together as one FCS 3.1 file. */

import { writeFcs } from '../../tests/kit/fcs-writer.ts'
import { recordEvents } from './events.ts'
import { panel, spillover } from './panel.ts'
import { xoshiro128 } from './random.ts'

export const totalEvents = 34_297
const seed = 20261122

/** The bytes of data/sample.fcs, the same every time and everywhere. */
export function sampleFile(): Uint8Array {
  return writeFcs({
    version: 'FCS3.1',
    datatype: 'F',
    byteOrder: 'little',
    parameters: panel.map(({ name, label, range, voltage }) => ({
      name,
      label,
      range,
      bits: 32,
      keywords: { E: '0,0', G: '1', ...(voltage !== undefined && { V: String(voltage) }) },
    })),
    columns: recordEvents(xoshiro128(seed), totalEvents, 92),
    keywords: {
      $FIL: 'sample.fcs',
      $CYT: 'Simulated cytometer',
      $COM: 'Simulated blood made by a seeded generator: no measurement, no patient',
      $DATE: '22-NOV-2026',
      $BTIM: '10:14:05.00',
      $ETIM: '10:15:37.00',
      $TIMESTEP: '0.000001',
      $SPILLOVER: spilloverKeyword(),
      ...Object.fromEntries(panel.map(({ display }, i) => [`P${i + 1}DISPLAY`, display])),
    },
  })
}

/** `n,name…,coefficient…`, row by row (FCS 3.1, $SPILLOVER). */
function spilloverKeyword(): string {
  const detectors = spillover.map((_, i) => `FL${i + 1}-A`)
  return [detectors.length, ...detectors, ...spillover.flat()].join(',')
}
