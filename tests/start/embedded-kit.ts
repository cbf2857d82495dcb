import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { startEmbedded } from '../../src/embedded.ts'
import { createLog, type Log } from '../../src/log.ts'

export const silent = createLog('error', () => undefined)
export const root = process.getuid?.() === 0

export const start = (dataDir: string, log: Log = silent) => startEmbedded({ dataDir, log })

/** DATA_DIRs of one test file; the server's account can reach them where the tests run as root. */
export function dataFolders() {
  const folders: string[] = []
  return {
    add: (folder: string) => void folders.push(folder),
    create: async (mode = 0o755): Promise<string> => {
      const folder = await mkdtemp(join(tmpdir(), 'pat-embedded-'))
      folders.push(folder)
      await chmod(folder, mode)
      return folder
    },
    remove: () => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))),
  }
}

export async function withSql<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}
