import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '../../src/db.ts'
import { client, fcsToken, logIn } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { folders, service } from '../kit/service.ts'

/** The program in its own process, on a database and a folder of its own, and somebody who may upload to it. */
export async function fileServer(command?: string[]) {
  const database = await createDatabase()
  const made = folders()
  const folder = await made.create()
  const env = { DATABASE_URL: database.url, DATA_DIR: folder, RATE_LIMIT_PER_MINUTE: '0' }
  const running = await service(folder, env, command)
  const sql = connect(database.url)
  const call = client(running.url)
  const jwt = await logIn(call, 'cytometrist')
  return {
    ...running,
    sql,
    call,
    /** A token of its own for a test that counts audit rows. */
    newToken: () => fcsToken(call, jwt),
    files: () => readdir(join(folder, 'files')),
    async close() {
      await running.end()
      await sql.end()
      await database.drop()
      await made.remove()
    },
  }
}

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
