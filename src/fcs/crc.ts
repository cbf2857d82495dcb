import type { FcsWarning } from './errors.ts'
import type { ByteSource } from './source.ts'

const FIELD_BYTES = 8
const READ_BYTES = 512 * 1024

/** CRC-16/KERMIT, the standard's, by byte. */
const REFLECTED = table((crc) => (crc & 1 ? (crc >>> 1) ^ 0x8408 : crc >>> 1), 0)
/** CRC-16 with the same polynomial the other way round; CytExpert begins it with 0x1D0F. */
const FORWARD = table((crc) => (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff, 8)

/**
 * Compares a data set with the CRC behind its last byte, where it has one (FCS 3.1 §3.6): eight
 * digits, zeros for none. A CRC that is wrong is no reason to refuse values that may be right.
 */
export async function crcWarnings(
  source: ByteSource,
  base: number,
  end: { data: number; all: number },
): Promise<FcsWarning[]> {
  const at = base + end.all + 1
  if (at + FIELD_BYTES > source.size) return []
  const field = String.fromCharCode(...(await source.read(at, FIELD_BYTES)))
  if (!/^ *[\da-f]+$/i.test(field) || /^[ 0]+$/.test(field)) return []
  const written = [Number(field), Number.parseInt(field, 16)]
  const { kermit, cytExpert } = await compute(source, base, end)
  if (written.includes(kermit)) return []
  const message = written.includes(cytExpert)
    ? 'The CRC is right, but not the one of the standard: it begins with 0x1D0F.'
    : 'The CRC does not match the bytes; they or it may be damaged.'
  return [{ code: 'crc', message }]
}

async function compute(source: ByteSource, base: number, end: { data: number; all: number }) {
  let kermit = 0
  let cytExpert = 0x1d0f
  for (let at = 0; at <= end.all; at += READ_BYTES) {
    const bytes = await source.read(base + at, Math.min(READ_BYTES, end.all + 1 - at))
    const ofData = Math.max(0, end.data + 1 - at)
    for (const byte of bytes) kermit = (kermit >>> 8) ^ (REFLECTED[(kermit ^ byte) & 0xff] ?? 0)
    for (const byte of bytes.subarray(0, ofData)) {
      cytExpert = ((cytExpert << 8) & 0xffff) ^ (FORWARD[(cytExpert >>> 8) ^ byte] ?? 0)
    }
  }
  return { kermit, cytExpert }
}

function table(step: (crc: number) => number, shift: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let crc = byte << shift
    for (let bit = 0; bit < 8; bit++) crc = step(crc)
    return crc
  })
}
