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

const TOO_LATE = 'The upload could not be kept in time: send it again'

/** The files of one owner, who is part of every statement: another's file is as unknown as none. */
export function ownFiles(sql: ISql) {
  const columns = sql`id, filename, size_bytes::float8 as size_bytes, encode(sha256, 'hex') as sha256,
    total_events::float8 as total_events, total_parameters, created_at, 'ready' as status`
  const one = <T>(rows: T[]): T => {
    const [found] = rows
    if (!found) throw refuse('not_found')
    return found
  }

  /** Removes a row, after which its bytes are left over. */
  const leave = (owner: string, id: string) => sql<{ id: string }[]>`
    with gone as (delete from fcs_files where id = ${id} and owner_id = ${owner} returning id)
    insert into fcs_leftovers (id, claimed) select id, true from gone
    on conflict (id) do update set claimed = true returning id`

  return {
    /** Before the bytes of a file are committed: from now on the sweep knows of them. */
    async announce(id: string): Promise<void> {
      const { count } = await sql`
        insert into fcs_leftovers (id) values (${id})
        on conflict (id) do update set since = now() where not fcs_leftovers.claimed`
      if (count === 0) throw refuse('unavailable', TOO_LATE)
    },

    /** Once they are committed. Refused when the sweep has given them up meanwhile. */
    async insert(id: string, owner: string, received: ReceivedFcs): Promise<void> {
      const { filename, sizeBytes, sha256, description, statistics } = received
      const { count } = await sql`
        with announced as (delete from fcs_leftovers where id = ${id} and not claimed returning id)
        insert into fcs_files (id, owner_id, filename, size_bytes, sha256, total_events, total_parameters,
          description, statistics)
        select id, ${owner}, ${filename}, ${sizeBytes}, ${sha256}, ${description.total_events},
          ${description.parameters.length}, ${JSON.stringify(description)}::text::json,
          ${JSON.stringify(statistics)}::text::json from announced`
      if (count === 0) throw refuse('unavailable', TOO_LATE)
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

    /** Of an announced file whose row was written, was not, or may yet be: afterwards there is none, for good. */
    async forget(owner: string, id: string): Promise<void> {
      // An insert that is still under way holds the lock of this row, and so comes before or not at all.
      const { count } = await sql`update fcs_leftovers set claimed = true where id = ${id}`
      if (count === 0) await leave(owner, id)
    },

    /** Removes a row that may not be there; its bytes are left over. */
    remove: leave,

    /** The bytes of a file that was removed are gone. */
    released: (id: string) => sql`delete from fcs_leftovers where id = ${id} and claimed`,
  }
}
