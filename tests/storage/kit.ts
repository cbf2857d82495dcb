import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localStorage } from '../../src/storage/local.ts'
import { s3Storage } from '../../src/storage/s3.ts'
import type { S3Patience } from '../../src/storage/s3-calls.ts'
import type { Storage } from '../../src/storage/storage.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { S3_KINDS, type S3Kind } from '../kit/s3-kinds.ts'

/** Two storages over one place, as two instances have them, and what is really there. */
export type Place = {
  kind: Kind
  storage: Storage
  other: Storage
  /** What is kept, and what uploads have not ended yet. */
  names(): Promise<string[]>
  remove(): Promise<void>
}
export type Kind = 'local' | S3Kind

/** Every kind of storage that this machine has. */
export const KINDS: Kind[] = ['local', ...S3_KINDS]

const folderOf = (name: string) => mkdtemp(join(tmpdir(), name))

export async function place(kind: Kind): Promise<Place> {
  if (kind === 'local') {
    const folder = await folderOf('pat-storage-')
    const [storage, other] = [await localStorage(folder), await localStorage(folder)]
    const names = () => readdir(folder)
    return { kind, storage, other, names, remove: () => rm(folder, { recursive: true }) }
  }
  const server = await startS3(kind)
  const one = await bucketStorage(server)
  const two = await bucketStorage(server)
  return {
    kind,
    storage: one.storage,
    other: two.storage,
    async names() {
      // What s3rver has of uploads in parts it does not tell.
      const uploads = kind === 's3rver' ? [] : await server.uploads()
      const spooled = [...(await one.spooled()), ...(await two.spooled())]
      return [...(await server.keys()), ...uploads, ...spooled]
    },
    async remove() {
      await Promise.all([server.stop(), one.remove(), two.remove()])
    },
  }
}

/** A storage in the server's bucket, reached by `endpoint`, with a spool of its own. */
export async function bucketStorage(
  server: S3Server,
  endpoint = server.settings.endpoint,
  patience?: S3Patience,
  prefix = '',
) {
  const spoolFolder = await folderOf('pat-spool-')
  const settings = { ...server.settings, endpoint }
  return {
    storage: await s3Storage({ settings, prefix, spoolFolder, ...(patience && { patience }) }),
    spooled: () => readdir(spoolFolder),
    remove: () => rm(spoolFolder, { recursive: true }),
  }
}

/** Bytes that are unlike at every place, the same each time. */
export function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4))
  for (let at = 0, word = seed; at < words.length; at++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0
    words[at] = word ^ at
  }
  return new Uint8Array(words.buffer, 0, length)
}

/** Writes in pieces, whose memory is wiped as soon as the storage gives it back. */
export async function write(
  staged: { write(chunk: Uint8Array): Promise<void> },
  bytes: Uint8Array,
  pieceBytes = 1_000_000,
) {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.slice(at, at + pieceBytes)
    await staged.write(piece)
    piece.fill(0)
  }
}

export async function keep(storage: Storage, bytes: Uint8Array): Promise<string> {
  const id = crypto.randomUUID()
  const staged = await storage.stage(id)
  await write(staged, bytes)
  await staged.commit()
  return id
}

/** The whole of a file, by reads of this length. */
export async function readAll(storage: Storage, id: string, size: number, step = 700_001) {
  const source = storage.source(id, size)
  const whole = new Uint8Array(size)
  for (let at = 0; at < size; at += step) {
    whole.set(await source.read(at, Math.min(step, size - at)), at)
  }
  return whole
}
