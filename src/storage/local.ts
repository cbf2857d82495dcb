import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { openSpool, partPath, readInto, removeAbandonedParts, told } from './spool.ts'
import { BytesLost, isId, type Storage } from './storage.ts'

const PAGE = 1000

/** Files on the local disk, named by their id alone. */
export async function localStorage(folder: string): Promise<Storage> {
  await makeFolder(folder)
  const pathOf = (id: string) => join(folder, id)

  return {
    async stage(id) {
      const part = partPath(folder, id)
      const { write, source, sync, close } = await openSpool(part)
      return {
        write,
        source,
        async commit() {
          await sync()
          await close()
          await told(rename(part, pathOf(id)))
          await syncFolder(folder)
        },
        async discard() {
          await close()
          await rm(part, { force: true }).catch(() => {})
        },
      }
    },

    source: (id, size) => ({
      size,
      async read(offset, length) {
        await using handle = await told(open(pathOf(id), constants.O_RDONLY)).catch(lostIfAbsent)
        return await readInto(new Uint8Array(length), handle, offset)
      },
    }),

    async remove(id) {
      await told(rm(pathOf(id), { force: true }))
      await syncFolder(folder)
    },

    has: (id) =>
      told(stat(pathOf(id))).then(
        () => true,
        (error) => {
          if (isAbsent(error)) return false
          throw error
        },
      ),

    async *list() {
      const ids = (await told(readdir(folder))).filter(isId).sort()
      for (let at = 0; at < ids.length; at += PAGE) yield ids.slice(at, at + PAGE)
    },

    tidy: (olderThanMs) => told(removeAbandonedParts(folder, olderThanMs)),
  }
}

const isAbsent = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Throws that the bytes are lost, of a file that is not there. */
export function lostIfAbsent(error: unknown): never {
  throw isAbsent(error) ? new BytesLost('a stored file is not there') : error
}

/** A folder is there after a crash once the one that it is in has been synced. */
async function makeFolder(folder: string): Promise<void> {
  const path = resolve(folder)
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
}

// A rename or a removal itself is durable only once the folder is.
async function syncFolder(folder: string): Promise<void> {
  await using handle = await told(open(folder, constants.O_RDONLY))
  await told(handle.sync())
}
