const EVENTS = 8192
const CHANNELS = 26
export const channelNames = Array.from({ length: CHANNELS }, (_, i) => `C${i + 1}`)

/** 8,192 events of 26 float32 channels: what every block of a large file holds. */
export const block = Float32Array.from(
  { length: EVENTS * CHANNELS },
  (_, i) => 10 ** (((i * 2654435761) % 2 ** 32) / 2 ** 30) - 50,
)

/** The bytes of an FCS file of so many blocks, of 0.85 MB each. */
export function* largeFcs(blocks: number): Generator<Uint8Array<ArrayBuffer>> {
  const begin = 4096
  const keywords = {
    ...{ $BEGINDATA: begin, $ENDDATA: begin + blocks * block.byteLength - 1, $NEXTDATA: 0 },
    ...{ $BYTEORD: '1,2,3,4', $DATATYPE: 'F', $MODE: 'L', $PAR: CHANNELS, $TOT: blocks * EVENTS },
    ...Object.fromEntries(
      channelNames.flatMap((name, i) => [
        [`$P${i + 1}N`, name],
        [`$P${i + 1}B`, 32],
        [`$P${i + 1}R`, 16777215],
      ]),
    ),
  }
  const text = `|${Object.entries(keywords).flat().join('|')}|`
  const offsets = [58, 57 + text.length, 0, 0, 0, 0].map((offset) => String(offset).padStart(8))
  yield new TextEncoder().encode(`FCS3.1    ${offsets.join('')}${text}`.padEnd(begin))
  for (let i = 0; i < blocks; i++) yield new Uint8Array(block.buffer)
}
