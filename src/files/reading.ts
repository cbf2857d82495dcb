import type { Sql } from 'postgres'
import type { ByteSource, ChannelStatistics } from '../fcs/index.ts'
import type { Storage } from '../storage/storage.ts'
import { chosenDataSet, furtherDataSet } from './data-sets.ts'
import { type FileItem, ownFiles } from './files.ts'
import type { Sample } from './sample.ts'

export type Readable = {
  filename: string
  sha256: string
  source: ByteSource
  description: ReturnType<typeof chosenDataSet>
}

/** The bytes of an owner's file. One that was deleted since its row was read is as unknown as any other. */
export function sourceOf(
  { files, storage }: { files: ReturnType<typeof ownFiles>; storage: Storage },
  owner: string,
  { id, size_bytes }: Pick<FileItem, 'id' | 'size_bytes'>,
): ByteSource {
  const { size, read } = storage.source(id, size_bytes)
  return {
    size,
    read: (offset, length) =>
      read(offset, length).catch(async (error) => {
        await files.find(owner, id)
        throw error
      }),
  }
}

/**
 * What the reading routes read: a data set, from 1, of a file of the owner, or of the built-in
 * sample when no file is named.
 */
export function reading({ sql, storage, sample }: { sql: Sql; storage: Storage; sample: Sample }) {
  const files = ownFiles(sql)

  const openOwn = async (owner: string, fileId: string, dataSet: number): Promise<Readable> => {
    const { id, size_bytes, description, ...file } = await files.describe(owner, fileId)
    return {
      ...file,
      source: sourceOf({ files, storage }, owner, { id, size_bytes }),
      description: chosenDataSet(description, dataSet),
    }
  }

  return {
    /** The sample is there at once. */
    open(owner: string, fileId: string | undefined, dataSet: number): Readable | Promise<Readable> {
      if (fileId !== undefined) return openOwn(owner, fileId, dataSet)
      return { ...sample, description: chosenDataSet(sample.description, dataSet) }
    },

    async statistics(
      owner: string,
      fileId: string | undefined,
      dataSet: number,
    ): Promise<{ sha256: string; total_events: number; statistics: ChannelStatistics[] }> {
      if (dataSet === 1) {
        if (fileId !== undefined) return files.statistics(owner, fileId)
        const { sha256, description, statistics } = sample
        return { sha256, total_events: description.total_events, statistics }
      }
      const file = fileId === undefined ? sample : await files.describe(owner, fileId)
      const { total_events, statistics } = furtherDataSet(file.description, dataSet)
      return { sha256: file.sha256, total_events, statistics }
    },
  }
}
