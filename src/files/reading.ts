import type { Sql } from 'postgres'
import type { ByteSource, ChannelStatistics } from '../fcs/index.ts'
import type { Storage } from '../storage/local.ts'
import { chosenDataSet, statisticsOf } from './data-sets.ts'
import { ownFiles } from './files.ts'
import type { Sample } from './sample.ts'

export type Readable = { source: ByteSource; description: ReturnType<typeof chosenDataSet> }

/**
 * What the reading routes read: a data set, from 1, of a file of the owner, or of the built-in
 * sample when no file is named.
 */
export function reading({ sql, storage, sample }: { sql: Sql; storage: Storage; sample: Sample }) {
  const files = ownFiles(sql)
  return {
    async open(owner: string, fileId: string | undefined, dataSet: number): Promise<Readable> {
      if (fileId === undefined) {
        return {
          source: sample.source,
          description: chosenDataSet(sample.description, dataSet),
        }
      }
      const { id, size_bytes, description } = await files.describe(owner, fileId)
      return {
        source: storage.source(id, size_bytes),
        description: chosenDataSet(description, dataSet),
      }
    },

    async statistics(
      owner: string,
      fileId: string | undefined,
      dataSet: number,
    ): Promise<{ total_events: number; statistics: ChannelStatistics[] }> {
      if (fileId === undefined) return statisticsOf(sample, dataSet)
      return statisticsOf(await files.statistics(owner, fileId), dataSet)
    },
  }
}
