import type { Sql } from 'postgres'
import type { Log } from '../log.ts'
import type { FcsSink, ReceivedFcs } from '../plugins/fcs/index.ts'
import type { Storage } from '../storage/storage.ts'
import { ownFiles } from './files.ts'
import type { StorageQuota } from './quota.ts'

/**
 * `keep(owner, receive)`: what `receive` writes becomes a file of the owner. Its bytes are announced, then committed, then
 * owned by a row, in this order: at no moment are there bytes that neither a row nor the sweep knows of. Whatever fails
 * is thrown, and leaves no row, and no bytes that the sweep would not remove.
 */
export function fileKeeper(options: { sql: Sql; quota: StorageQuota; storage: Storage; log: Log }) {
  const { sql, quota, storage, log } = options
  const files = ownFiles(sql)
  return async (
    owner: string,
    receive: (sink: FcsSink) => Promise<ReceivedFcs>,
  ): Promise<ReceivedFcs & { id: string }> => {
    const id = crypto.randomUUID()
    const staged = await storage.stage(id)
    let announced = false
    try {
      const received = await receive(staged)
      await files.announce(id)
      announced = true
      await staged.commit()
      await quota.within(owner, received.sizeBytes, (sql) =>
        ownFiles(sql).insert(id, owner, received),
      )
      return { id, ...received }
    } catch (error) {
      await staged.discard()
      if (announced) {
        // A commit may still be carried out after it failed, so the sweep removes the bytes again.
        await files
          .forget(owner, id)
          .then(() => storage.remove(id))
          .catch((error) => log.error('failed upload not removed', { id, error: String(error) }))
      }
      throw error
    }
  }
}
