import { mkdir, open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { FileStore } from '@tus/file-store'
import { type DataStore, ERRORS, Upload } from '@tus/server'
import { type Config, s3Settings } from '../config.ts'
import { StorageFull } from '../storage/storage.ts'

/**
 * Where the bytes of uploads are until they are files. Throws StorageFull and StorageUnavailable. What else there is to know
 * of an upload is in its row.
 */
export type Parts = {
  create(id: string, size: number): Promise<void>
  /** How many bytes are there. */
  size(id: string): Promise<number>
  /**
   * Adds bytes at the end, which `offset` is; resolves to how many are there now. Those that came before the stream broke
   * off are there as well.
   */
  write(...args: Parameters<DataStore['write']>): Promise<number>
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

/** With less room than this left on a device, a failed write has failed for want of it. */
const NO_ROOM_BYTES = 1024 * 1024

/** Parts in a folder, which instances may share. */
export async function localParts(folder: string): Promise<Parts> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const store = new FileStore({
    directory: folder,
    configstore: {
      get: async (id) => new Upload({ id, offset: 0 }),
      set: async () => {},
      delete: async () => {},
    },
  })
  const orFull = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (cause) {
      const { bavail, bsize } = await statfs(folder)
      if (bavail * bsize > NO_ROOM_BYTES) throw cause
      throw new StorageFull('no room to store an upload', { cause })
    }
  }

  return {
    create: async (id, size) => {
      await orFull(store.create(new Upload({ id, size, offset: 0 })))
    },
    size: async (id) => (await store.getUpload(id)).offset,
    write: (...args) => orFull(store.write(...args)),
    async sync(id) {
      await using file = await open(join(folder, id), 'r+')
      await file.sync()
    },
    read: async (id) => store.read(id),
    remove: (id) => store.remove(id).catch(unlessMissing),
  }
}

function unlessMissing(error: unknown): void {
  if (error !== ERRORS.FILE_NOT_FOUND) throw error
}
