import type { ISql, Sql } from 'postgres'
import { refuse } from '../errors.ts'
import type { StorageQuota } from '../files/quota.ts'

export type Upload = {
  id: string
  owner: string
  filename: string
  /** What the client said at the start, for it to read again. */
  metadata: Record<string, string | null>
  size_bytes: number
  /** A file's bytes are all there from `processing` on, and the file itself is from `ready` on. */
  state: 'receiving' | 'processing' | 'ready' | 'failed'
  progress: number
  failure: { reason: string; message: string } | null
  created_at: Date
  expires_at: Date
}
export type NewUpload = Pick<Upload, 'id' | 'owner' | 'filename' | 'metadata' | 'size_bytes'>

export type Uploads = ReturnType<typeof uploadRows>

/** How long one waits for its client to come back at all, who may never have heard where it is. */
const UNHEARD = '1 hour'
/** And how long for its next byte, once its client has. */
const HEARD = '24 hours'

/** The uploads in pieces: a row each, from the first byte to a day after the last one. */
export function uploadRows(sql: Sql, quota: StorageQuota) {
  const columns = sql`id, owner_id as owner, filename, metadata, size_bytes::float8 as size_bytes, state, progress,
    failure, created_at, expires_at`

  return {
    /** Throws a 413 when its owner has not so much room. */
    create: ({ id, owner, filename, metadata, size_bytes }: NewUpload) =>
      quota.within(
        owner,
        size_bytes,
        (sql) => sql`
          insert into uploads (id, owner_id, filename, metadata, size_bytes, expires_at) values
            (${id}, ${owner}, ${filename}, ${JSON.stringify(metadata)}::text::json, ${size_bytes},
              now() + ${UNHEARD}::interval)`,
      ),

    async find(id: string): Promise<Upload | null> {
      const [found] = await sql<Upload[]>`
        select ${columns} from uploads where id = ${id} and expires_at > now()`
      return found ?? null
    },

    /** Another's upload is as unknown as none. */
    async own(owner: string, id: string): Promise<Upload | null> {
      const [found] = await sql<Upload[]>`
        select ${columns} from uploads
        where id = ${id} and owner_id = ${owner} and expires_at > now()`
      return found ?? null
    },

    /** Its owner's, who has come back to it with a piece. */
    async resume(owner: string, id: string): Promise<Upload | null> {
      const [found] = await sql<Upload[]>`
        update uploads set expires_at = now() + ${HEARD}::interval
        where id = ${id} and owner_id = ${owner} and expires_at > now() returning ${columns}`
      return found ?? null
    },

    /** Bytes have come: until when the next ones may. */
    async touch(id: string, by: 'beginning' | 'piece'): Promise<Date> {
      const wait = by === 'beginning' ? UNHEARD : HEARD
      const [row] = await sql<{ expires_at: Date }[]>`
        update uploads set expires_at = now() + ${wait}::interval
        where id = ${id} and state <> 'failed' returning expires_at`
      // Given up meanwhile, or removed.
      if (!row) throw refuse('not_found')
      return row.expires_at
    },

    /** All bytes are there. False when that was known. */
    async received(tx: ISql, id: string): Promise<boolean> {
      const { count } = await tx`
        update uploads set state = 'processing', expires_at = now() + interval '24 hours'
        where id = ${id} and state = 'receiving'`
      return count === 1
    },

    /** False when nobody waits for it any more. */
    async advance(id: string, progress: number): Promise<boolean> {
      const { count } = await sql`
        update uploads set progress = ${progress}, expires_at = now() + interval '24 hours'
        where id = ${id} and state = 'processing'`
      return count === 1
    },

    /** It is a file now. False when somebody else has said so, or it was deleted. */
    async ready(tx: ISql, id: string): Promise<boolean> {
      const { count } = await tx`
        update uploads set state = 'ready', progress = 1, expires_at = now() + interval '24 hours'
        where id = ${id} and state = 'processing'`
      return count === 1
    },

    fail: (id: string, failure: NonNullable<Upload['failure']>) => sql`
      update uploads set state = 'failed', failure = ${JSON.stringify(failure)}::text::json,
        expires_at = now() + interval '24 hours'
      where id = ${id} and state = 'processing'`,

    /** Ends what is more than bytes under way. */
    end: (owner: string, id: string) => sql`
      delete from uploads where id = ${id} and owner_id = ${owner} and state <> 'receiving'`,

    /**
     * Gives its room back. The row stays for the sweep, which comes when S3 has long carried out what it did not answer
     * for, and removes the bytes once more. It has expired at no time that a clock can be set back to.
     */
    giveUp: (id: string) => sql`
      update uploads set state = 'failed', failure = '{}', expires_at = 'epoch', holder = null,
        held_until = now() + interval '10 minutes'
      where id = ${id}`,

    /** Removes the row, of which there may be none. */
    forget: (id: string) => sql`delete from uploads where id = ${id}`,

    /** What nobody has come back to for an hour, or has sent a piece of for a day; and what was done a day ago. */
    expired: () => sql<{ id: string }[]>`
      select id from uploads
      where expires_at < now() and coalesce(held_until < now(), true)`,
  }
}
