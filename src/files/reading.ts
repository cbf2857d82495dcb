import type { Sql } from 'postgres'
import type { ByteSource, ChannelStatistics, FcsDescription } from '../fcs/index.ts'
import type { Storage } from '../storage/local.ts'
import { ownFiles } from './files.ts'
import type { Sample } from './sample.ts'

export type Readable = {
  filename: string
  sha256: string
  source: ByteSource
  description: FcsDescription
}

/** What the reading routes read: a file of the owner, or the built-in sample when no file is named. */
export function reading({ sql, storage, sample }: { sql: Sql; storage: Storage; sample: Sample }) {
  const files = ownFiles(sql)
  return {
    async open(owner: string, fileId: string | undefined): Promise<Readable> {
      if (fileId === undefined) return sample
      const { id, size_bytes, ...file } = await files.describe(owner, fileId)
      const { size, read } = storage.source(id, size_bytes)
      const readOrGone: ByteSource['read'] = (offset, length) =>
        read(offset, length).catch(async (error) => {
          // Deleted since its row was read: then it is as unknown as any other.
          await files.find(owner, id)
          throw error
        })
      return { ...file, source: { size, read: readOrGone } }
    },

    async statistics(
      owner: string,
      fileId: string | undefined,
    ): Promise<{ sha256: string; total_events: number; statistics: ChannelStatistics[] }> {
      if (fileId !== undefined) return files.statistics(owner, fileId)
      const { sha256, description, statistics } = sample
      return { sha256, total_events: description.total_events, statistics }
    },
  }
}
