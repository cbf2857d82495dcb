import type { ISql } from 'postgres'
import { refuse } from '../errors.ts'
import type { ChannelStatistics, FcsDescription } from '../fcs/index.ts'
import { type Place, page } from '../paging.ts'
import type { ReceivedFcs } from '../plugins/fcs/index.ts'

export type FileItem = {
  id: string
  filename: string
  size_bytes: number
  sha256: string
  total_events: number
  total_parameters: number
  created_at: Date
  status: 'ready'
}

/** The files of one owner, who is part of every statement: another's file is as unknown as none. */
export function ownFiles(sql: ISql) {
  const columns = sql`id, filename, size_bytes::float8 as size_bytes, encode(sha256, 'hex') as sha256,
    total_events::float8 as total_events, total_parameters, created_at, 'ready' as status`
  const one = <T>(rows: T[]): T => {
    const [found] = rows
    if (!found) throw refuse('not_found')
    return found
  }

  return {
    async insert(id: string, owner: string, received: ReceivedFcs): Promise<void> {
      const { filename, sizeBytes, sha256, description, statistics } = received
      await sql`
        insert into fcs_files (id, owner_id, filename, size_bytes, sha256, total_events, total_parameters,
          description, statistics)
        values (${id}, ${owner}, ${filename}, ${sizeBytes}, ${sha256}, ${description.total_events},
          ${description.parameters.length}, ${JSON.stringify(description)}::text::json,
          ${JSON.stringify(statistics)}::text::json)`
    },

    async list(owner: string, { limit, after }: { limit: number; after: Place | null }) {
      const [rows, [count]] = await Promise.all([
        sql<FileItem[]>`
          select ${columns} from fcs_files where owner_id = ${owner}
          ${after ? sql`and (created_at, id) < (${after.at}, ${after.id})` : sql``}
          order by created_at desc, id desc limit ${limit + 1}`,
        sql<{ total: number }[]>`
          select count(*)::int as total from fcs_files where owner_id = ${owner}`,
      ])
      const { rows: files, next_cursor } = page([...rows], limit)
      return { files, total: count?.total ?? 0, next_cursor }
    },

    async has(owner: string, id: string): Promise<boolean> {
      const { count } = await sql`select from fcs_files where id = ${id} and owner_id = ${owner}`
      return count === 1
    },

    find: async (owner: string, id: string) =>
      one(
        await sql<FileItem[]>`
        select ${columns} from fcs_files where id = ${id} and owner_id = ${owner}`,
      ),

    describe: async (owner: string, id: string) =>
      one(
        await sql<(FileItem & { description: FcsDescription })[]>`
        select ${columns}, description from fcs_files where id = ${id} and owner_id = ${owner}`,
      ),

    statistics: async (owner: string, id: string) =>
      one(
        await sql<{ sha256: string; total_events: number; statistics: ChannelStatistics[] }[]>`
        select encode(sha256, 'hex') as sha256, total_events::float8 as total_events, statistics
        from fcs_files where id = ${id} and owner_id = ${owner}`,
      ),

    /** Removes a row that may not be there. */
    remove: (owner: string, id: string) => sql`
      delete from fcs_files where id = ${id} and owner_id = ${owner}`,
  }
}
