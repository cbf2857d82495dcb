import { setTimeout as delay } from 'node:timers/promises'
import type { S3Calls, S3Part } from './s3-calls.ts'
import type { Spool } from './spool.ts'
import { type Staged, StorageFull } from './storage.ts'

/** S3 takes from 5 MiB on, and up to 10,000 parts: a file of 80 GiB. */
export const PART_BYTES = 8 * 1024 * 1024
const MOST_PARTS = 10_000
/** Each holds a part in memory. The client waits when so many are under way. */
const PARTS_AT_ONCE = 2
const SETTLE_MS = 5_000

/**
 * A file that goes to S3 while it is written: by parts from the first full one on, or in one piece at its commit when
 * it is smaller. The spool keeps it to be read back until then.
 */
export function stageInS3(s3: S3Calls, key: string, spool: Spool): Staged {
  const stop = new AbortController()
  const underWay = new Set<Promise<S3Part>>()
  const free: Uint8Array[] = []
  const parts: Promise<S3Part>[] = []
  let upload: string | undefined
  let sent = 0

  const send = async (upload: string, number: number, offset: number, length: number) => {
    const memory = free.pop() ?? new Uint8Array(PART_BYTES)
    const bytes = await spool.fill(memory.subarray(0, length), offset)
    const part = await s3.part(key, upload, number, bytes, stop.signal)
    // Only of a part that is done: of one that failed the memory may still be read.
    free.push(memory)
    return part
  }

  const sendNext = async (length: number) => {
    upload ??= await s3.begin(key)
    while (underWay.size >= PARTS_AT_ONCE) await Promise.race(underWay)
    if (parts.length === MOST_PARTS) throw new StorageFull('S3 takes no more parts of a file')
    const part = send(upload, parts.length + 1, sent, length)
    parts.push(part)
    underWay.add(part)
    // One that failed stays under way, and what is written next fails with its reason.
    part.then(
      () => underWay.delete(part),
      () => {},
    )
    sent += length
  }

  return {
    async write(chunk) {
      await spool.write(chunk)
      while (spool.size - sent >= PART_BYTES) await sendNext(PART_BYTES)
    },
    source: () => spool.source(),
    async commit() {
      if (upload === undefined) {
        await s3.put(key, await spool.fill(new Uint8Array(spool.size), 0))
      } else {
        if (spool.size > sent) await sendNext(spool.size - sent)
        await s3.complete(key, upload, await Promise.all(parts))
      }
      await spool.close()
    },
    async discard() {
      // A part that S3 takes in after the abort stays: those under way are waited for, while that is not for long.
      await Promise.race([Promise.allSettled(parts), delay(SETTLE_MS, undefined, { ref: false })])
      stop.abort()
      await Promise.allSettled(parts)
      // Of an upload that S3 does not answer for `tidy` takes what is left.
      if (upload !== undefined) await s3.abort(key, upload).catch(() => {})
      await spool.close()
    },
  }
}
