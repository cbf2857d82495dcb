import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource } from '../fcs/index.ts'
import { BytesLost, StorageFull, StorageUnavailable } from './storage.ts'

/** Names of files under way end like this. Two that upload the same id at once are in nobody's way. */
export const partPath = (folder: string, id: string): string =>
  join(folder, `${id}.${crypto.randomUUID().slice(0, 8)}.part`)

/** An upload that is alive writes more often than this; servers that share a folder leave each other's alone. */
const ABANDONED_MS = 60 * 60 * 1000

export type Spool = Awaited<ReturnType<typeof openSpool>>

/** A new file on the local disk that is written from its beginning to its end, and read back from any place. */
export async function openSpool(path: string) {
  const handle = await told(open(path, 'wx+', 0o600))
  let size = 0
  return {
    get size() {
      return size
    },
    async write(chunk: Uint8Array) {
      await told(writeAll(handle, chunk, size))
      size += chunk.length
    },
    /** Fills `bytes` from this place. */
    fill: (bytes: Uint8Array, offset: number) => readInto(bytes, handle, offset),
    source(): ByteSource {
      let [buffer, other] = [new Uint8Array(), new Uint8Array()]
      return {
        size,
        read(offset, length) {
          ;[buffer, other] = [other, buffer]
          if (buffer.length < length) buffer = new Uint8Array(length)
          return readInto(buffer.subarray(0, length), handle, offset)
        },
      }
    },
    sync: () => told(handle.sync()),
    close: () => handle.close().catch(() => {}),
  }
}

/** One that has no name any more, so that it lasts until it is closed and no crash leaves it behind. */
export async function openNameless(folder: string, id: string): Promise<Spool> {
  const path = partPath(folder, id)
  const spool = await openSpool(path)
  await rm(path)
  return spool
}

/** Removes what a crash has left of uploads: how many files. */
export async function removeAbandonedParts(
  folder: string,
  olderThanMs: number = ABANDONED_MS,
): Promise<number> {
  const parts = (await readdir(folder)).filter((name) => name.endsWith('.part'))
  let removed = 0
  for (const path of parts.map((name) => join(folder, name))) {
    const written = await stat(path).catch(() => null)
    if (!written || Date.now() - written.mtimeMs < olderThanMs) continue
    await rm(path, { force: true })
    removed++
  }
  return removed
}

/** Writes the chunk to this place of the file. */
export async function writeAll(
  handle: FileHandle,
  chunk: Uint8Array,
  offset: number,
): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await handle.write(chunk, at, chunk.length - at, offset + at)).bytesWritten
  }
}

/** Fills `bytes` from this place of the file. */
export async function readInto(
  bytes: Uint8Array,
  handle: FileHandle,
  offset: number,
): Promise<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await told(handle.read(bytes, at, bytes.length - at, offset + at))
    if (bytesRead === 0) throw new BytesLost('a stored file is shorter than its row says')
    at += bytesRead
  }
  return bytes
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
// Too many open files, and what a device or a network's folder says while it is away.
const AWAY = new Set(['EMFILE', 'ENFILE', 'EIO', 'EROFS', 'ESTALE', 'ETIMEDOUT'])

/** Names the errors of the file system as the contract of a storage does. */
export async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (FULL.has(code)) throw new StorageFull(`no room to store a file: ${code}`)
    if (AWAY.has(code)) throw new StorageUnavailable(`the disk does not serve: ${code}`)
    throw error
  }
}
