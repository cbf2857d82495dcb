import { createReadStream } from 'node:fs'
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type Config, s3Settings } from '../config.ts'
import { lostIfAbsent } from '../storage/local.ts'
import { told, writeAll } from '../storage/spool.ts'

/**
 * Where the bytes of uploads are until they are files. Throws StorageFull, StorageUnavailable and, of what should be there,
 * BytesLost. What else there is to know of an upload is in its row.
 */
export type Parts = {
  create(id: string): Promise<void>
  /** How many bytes are there. */
  size(id: string): Promise<number>
  /**
   * Adds bytes at the end, which `offset` is; resolves to how many are there now. Those that came before the stream broke
   * off are there as well.
   */
  write(stream: Readable, id: string, offset: number): Promise<number>
  /** What was written survives a crash of the machine from now on. */
  sync(id: string): Promise<void>
  read(id: string): Promise<AsyncIterable<Uint8Array>>
  /** Also what is not there. */
  remove(id: string): Promise<void>
}

/** Parts where the settings have the files: in a bucket, or else in a folder. */
export async function openParts(config: Config): Promise<Parts> {
  const settings = s3Settings(config)
  if (settings === null) return localParts(join(config.DATA_DIR, 'uploads'))
  // Loaded only here, as the storage of files is.
  const { s3Parts } = await import('./s3-parts.ts')
  const spoolFolder = join(config.DATA_DIR, 'spool')
  return s3Parts({ settings, prefix: `${config.S3_PREFIX}uploads/`, spoolFolder })
}

/** Parts in a folder, which instances may share: a file each, named by the id. */
export async function localParts(folder: string): Promise<Parts> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const pathOf = (id: string) => join(folder, id)

  return {
    create: (id) => told(writeFile(pathOf(id), '', { mode: 0o600 })),
    size: async (id) => (await told(stat(pathOf(id))).catch(lostIfAbsent)).size,
    async write(stream, id, offset) {
      await using file = await told(open(pathOf(id), 'r+')).catch(lostIfAbsent)
      let at = offset
      for await (const chunk of stream) {
        await told(writeAll(file, chunk, at))
        at += chunk.length
      }
      return at
    },
    async sync(id) {
      await using file = await told(open(pathOf(id), 'r+'))
      await told(file.sync())
    },
    read: async (id) => createReadStream(pathOf(id)),
    remove: (id) => told(rm(pathOf(id), { force: true })),
  }
}
