import { join } from 'node:path'
import { type Config, ConfigError, s3Settings } from '../config.ts'
import type { Log } from '../log.ts'
import { localStorage } from './local.ts'
import { type Storage, StorageUnavailable } from './storage.ts'

/** Places of one storage: uploaded files, and exported months of the audit log. */
const PLACES = {
  files: { folder: 'files', prefix: '' },
  audit: { folder: 'audit', prefix: 'audit/' },
}

/** The storage that the settings ask for: a bucket, or else a folder. */
export async function openStorage(
  config: Config,
  log: Log,
  place: keyof typeof PLACES,
): Promise<Storage> {
  const { folder, prefix } = PLACES[place]
  const settings = s3Settings(config)
  if (settings === null) return localStorage(join(config.DATA_DIR, folder))
  // Loaded only here: an installation that keeps files in a folder need not wait for it.
  const { s3Storage } = await import('./s3.ts')
  const spoolFolder = join(config.DATA_DIR, 'spool')
  const storage = await s3Storage({
    settings,
    prefix: config.S3_PREFIX + prefix,
    spoolFolder,
  })
  await storage.check().catch((error) => {
    if (!(error instanceof StorageUnavailable)) throw error
    // What it says of itself passes; what it says of the bucket or the keys does not.
    if (error.status !== undefined && error.status < 500) {
      throw new ConfigError(`The settings S3_… are refused by the server: ${error.message}`)
    }
    log.warn('the storage of files does not answer', { error: error.message })
  })
  return storage
}
