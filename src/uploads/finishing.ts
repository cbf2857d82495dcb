import type { Sql } from 'postgres'
import { ownFiles } from '../files/files.ts'
import type { Log } from '../log.ts'
import { readFcs } from '../plugins/fcs/index.ts'
import { Refusal } from '../plugins/refusal.ts'
import type { Storage } from '../storage/storage.ts'
import type { Parts } from './parts.ts'
import type { Queue, Work } from './queue.ts'
import type { Upload, Uploads } from './uploads.ts'

/** How often the row says how far the reading is. */
const PROGRESS_MS = 500

const GIVEN_UP = {
  reason: 'unfinished',
  message: 'The service could not store the file: upload it again',
}

export type Finishing = ReturnType<typeof createFinishing>

/** What makes an upload whose bytes are all there an ordinary file. */
export function createFinishing(options: {
  sql: Sql
  uploads: Uploads
  parts: Parts
  storage: Storage
  queue: Queue
  log: Log
}) {
  const { sql, uploads, parts, storage, queue, log } = options
  const files = ownFiles(sql)

  /** The bytes, while somebody waits for them and this instance is the one to read them. */
  async function* bytes({ id, size_bytes }: Upload, signal: AbortSignal) {
    let size = 0
    let said = performance.now()
    for await (const chunk of await parts.read(id)) {
      signal.throwIfAborted()
      size += chunk.length
      if (performance.now() - said > PROGRESS_MS) {
        said = performance.now()
        if (!(await uploads.advance(id, size / size_bytes))) throw new Ended()
      }
      yield chunk
    }
    if (size !== size_bytes) throw new Error('an upload is shorter than was acknowledged')
  }

  async function makeFile(upload: Upload, signal: AbortSignal): Promise<void> {
    const { id, owner, filename } = upload
    const staged = await storage.stage(id)
    try {
      const read = await readFcs(bytes(upload, signal), staged)
      signal.throwIfAborted()
      await files.announce(id)
      await staged.commit()
      await sql.begin(async (tx) => {
        if (!(await uploads.ready(tx, id))) throw new Ended()
        await ownFiles(tx).insert(id, owner, { ...read, filename })
      })
    } catch (error) {
      await staged.discard()
      throw error
    }
  }

  /** The job. What it throws is tried again, here or elsewhere. */
  const finish: Work = async (id, signal, isLast) => {
    const upload = await uploads.find(id)
    try {
      if (upload?.state === 'processing') await makeFile(upload, signal)
    } catch (error) {
      if (error instanceof Refusal && error.status === 422) {
        await uploads.fail(id, {
          reason: String(error.detail.data?.reason),
          message: error.message,
        })
      } else if (error instanceof Ended) {
        // Made by another instance, or else deleted meanwhile: then what was committed goes, now and once more by the sweep.
        if (upload && !(await files.has(upload.owner, id))) {
          await files.forget(upload.owner, id)
          await storage.remove(id)
        }
      } else {
        log.warn('an upload could not be finished', { id, error: String(error) })
        if (!isLast) throw error
        await uploads.fail(id, GIVEN_UP)
      }
    }
    await parts.remove(id)
  }

  return {
    /** All bytes are there: from now on it is a job. Again is as good as once. */
    async begin(id: string): Promise<void> {
      await sql.begin(async (tx) => {
        if (!(await uploads.received(tx, id))) return
        await parts.sync(id)
        await queue.add(tx, id)
      })
      queue.wake()
    },
    start: () => queue.start(finish),
    stop: () => queue.stop(),
  }
}

/** Nobody waits for the file any more, or has it already. */
class Ended extends Error {}
