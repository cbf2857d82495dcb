import { mkdir } from 'node:fs/promises'
import { readAhead } from './read-ahead.ts'
import { type S3Patience, type S3Settings, s3Calls } from './s3-calls.ts'
import { stageInS3 } from './s3-staged.ts'
import { openNameless, removeAbandonedParts } from './spool.ts'
import { isId, type Storage, StorageUnavailable } from './storage.ts'

/** S3 says of an upload when it was begun, not when its last part came: a slow one is not to be ended. */
const ABANDONED_MS = 24 * 60 * 60 * 1000

/** Files in a bucket, each the object `prefix` + id. Uploads are spooled in a folder of the local disk. */
export async function s3Storage(options: {
  settings: S3Settings
  prefix: string
  spoolFolder: string
  patience?: S3Patience
}): Promise<Storage & { check(): Promise<void> }> {
  const { settings, prefix, spoolFolder, patience } = options
  await mkdir(spoolFolder, { recursive: true, mode: 0o700 })
  const s3 = s3Calls(settings, patience)
  const keyOf = (id: string) => prefix + id

  return {
    /** Throws StorageUnavailable, with a status when S3 refuses what the settings say. */
    async check() {
      await s3.list(prefix, undefined, 1)
    },

    stage: async (id) => stageInS3(s3, keyOf(id), await openNameless(spoolFolder, id)),

    source: (id, size) => readAhead(size, (offset, length) => s3.get(keyOf(id), offset, length)),

    async remove(id) {
      await s3.remove(keyOf(id))
    },

    has: (id) => s3.has(keyOf(id)),

    async *list() {
      for await (const keys of s3.keys(prefix)) {
        const ids = keys.map((key) => key.slice(prefix.length)).filter(isId)
        if (ids.length > 0) yield ids.sort()
      }
    },

    async tidy(olderThanMs) {
      const abandoned = olderThanMs ?? ABANDONED_MS
      const uploads = await s3.uploads(prefix).catch((error) => {
        // A server that lists none ends them by itself, if any does.
        if (error instanceof StorageUnavailable && error.status === 501) return []
        throw error
      })
      const old = uploads.filter(({ begun }) => Date.now() - begun.getTime() >= abandoned)
      for (const { key, id } of old) await s3.abort(key, id)
      return old.length + (await removeAbandonedParts(spoolFolder, olderThanMs))
    },
  }
}
