import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from '../../src/db.ts'
import { client, fcsToken, logIn } from '../kit/client.ts'
import { createDatabase } from '../kit/postgres.ts'
import { BUN, folders, service } from '../kit/service.ts'

/**
 * A disk without room for a file of two megabytes: a limit on the size of files, which anybody may set, fails a write as a
 * full disk does. Its unit, a block, has 512 or 1,024 bytes.
 */
export const FULL_DISK = ['sh', '-c', `trap '' XFSZ; ulimit -f 2048; exec "$@"`, 'sh', ...BUN]

/** The program in its own process, on a database and a folder of its own, and somebody who may upload to it. */
export async function fileServer(command?: string[], more: Record<string, string> = {}) {
  const database = await createDatabase()
  const made = folders()
  const folder = await made.create()
  const env = {
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    RATE_LIMIT_PER_MINUTE: '0',
    TOKEN_RATE_LIMIT_PER_MINUTE: '0',
    ...more,
  }
  const running = await service(folder, env, command)
  const { sql } = connect(database.url)
  const call = client(running.url)
  const jwt = await logIn(call, 'cytometrist')
  return {
    ...running,
    folder,
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
