import { writeFcs } from '../../tests/kit/fcs-writer.ts'

/** A file like no other, of 16 to 400 kB. */
export function newFile(random: () => number): Uint8Array<ArrayBuffer> {
  const length = 1000 + Math.floor(random() * 24_000)
  const column = () => Float32Array.from({ length }, () => random() * 1000)
  const parameters = ['FSC-A', 'SSC-A', 'FL1-A', 'Time'].map((name) => ({ name }))
  return new Uint8Array(writeFcs({ parameters, columns: parameters.map(column) }))
}
