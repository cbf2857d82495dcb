import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource } from '../fcs/index.ts'

/** There is no room for the bytes: on the device, in the quota, or under the limit of a file's size. */
export class StorageFull extends Error {}

/** A file under way: invisible until `commit`, gone after `discard`. */
export type Staged = {
  write(chunk: Uint8Array): Promise<void>
  /** What was written so far. Reads take turns with the same memory: a large file is read over and over. */
  source(): ByteSource
  commit(): Promise<void>
  discard(): Promise<void>
}

export type Storage = {
  stage(id: string): Promise<Staged>
  source(id: string, size: number): ByteSource
  remove(id: string): Promise<void>
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** An upload that is alive writes more often than this; servers that share a folder leave each other's alone. */
const ABANDONED_MS = 60 * 60 * 1000

/** Files on the local disk, named by their id alone. What a crash leaves of an upload goes at a later start. */
export async function localStorage(folder: string): Promise<Storage> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await removeAbandoned(folder)
  const pathOf = (id: string) => join(folder, id)

  return {
    async stage(id) {
      // A name of its own: the same file may be staged again when an instance has died, or seems to have.
      const part = `${pathOf(id)}.${crypto.randomUUID()}.part`
      const handle = await orFull(open(part, 'wx+', 0o600))
      let size = 0
      return {
        async write(chunk) {
          await orFull(writeAll(handle, chunk))
          size += chunk.length
        },
        source() {
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
        async commit() {
          await orFull(handle.sync())
          await handle.close()
          await rename(part, pathOf(id))
          await syncFolder(folder)
        },
        async discard() {
          await handle.close().catch(() => {})
          await rm(part, { force: true })
        },
      }
    },
    source: (id, size) => ({
      size,
      async read(offset, length) {
        await using handle = await open(pathOf(id), constants.O_RDONLY)
        return await readInto(new Uint8Array(length), handle, offset)
      },
    }),
    remove: (id) => rm(pathOf(id), { force: true }),
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  const parts = (await readdir(folder)).filter((name) => name.endsWith('.part'))
  for (const path of parts.map((name) => join(folder, name))) {
    const written = await stat(path).catch(() => null)
    if (written && Date.now() - written.mtimeMs > ABANDONED_MS) await rm(path, { force: true })
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    at += (await handle.write(chunk, at, chunk.length - at)).bytesWritten
  }
}

/** Fills `bytes` from this place of the file. */
async function readInto(
  bytes: Uint8Array,
  handle: FileHandle,
  offset: number,
): Promise<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, offset + at)
    if (bytesRead === 0) throw new Error('a stored file is shorter than its row says')
    at += bytesRead
  }
  return bytes
}

// The rename itself is durable only once the folder is.
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY)
  await handle.sync()
}

async function orFull<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && FULL.has(String(error.code))) {
      throw new StorageFull('no room to store a file', { cause: error })
    }
    throw error
  }
}
