import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { S3Patience } from '../../src/storage/s3-calls.ts'
import { localParts, type Parts } from '../../src/uploads/parts.ts'
import { s3Parts } from '../../src/uploads/s3-parts.ts'
import { cytometrist } from '../files/kit.ts'
import { testApp } from '../kit/app.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { BEST_S3, type S3Kind } from '../kit/s3-kinds.ts'
import { pieces } from './kit.ts'

export type PartsKind = 'a folder' | S3Kind
/** A place of each kind. */
export const PARTS: PartsKind[] = ['a folder', BEST_S3]

type PartsPlace = {
  parts: Parts
  /** The uploads of which there are bytes. */
  ids(): Promise<string[]>
  /** Bytes that an instance stores which nobody waits for any more. */
  late(id: string, bytes: Uint8Array): Promise<void>
  remove(): Promise<void>
}

async function partsPlace(kind: PartsKind): Promise<PartsPlace> {
  if (kind === 'a folder') {
    const folder = await mkdtemp(join(tmpdir(), 'pat-parts-'))
    return {
      parts: await localParts(folder),
      ids: () => readdir(folder),
      late: (id, bytes) => writeFile(join(folder, id), bytes),
      remove: () => rm(folder, { recursive: true }),
    }
  }
  const server = await startS3(kind)
  const { parts, spooled, remove } = await bucketParts(server)
  return {
    parts,
    async ids() {
      const keys = [...(await server.keys()), ...(await spooled())]
      return [...new Set(keys.map((key) => key.split('/')[1] ?? key))]
    },
    async late(id, bytes) {
      await parts.write(Readable.from([bytes]), id, 0)
    },
    async remove() {
      await Promise.all([server.stop(), remove()])
    },
  }
}

export type UploadsIn = Awaited<ReturnType<typeof uploadsIn>>

/** An app with its parts in a place of this kind, which makes files of them, and somebody who uploads to it. */
export async function uploadsIn(kind: PartsKind) {
  const place = await partsPlace(kind)
  const api = await testApp({ parts: place.parts })
  const owner = await cytometrist(api)
  await api.app.decorator.finishing.start()
  return {
    ...{ place, api, owner, tus: pieces(api, owner.bearer) },
    async close() {
      await api.close()
      await place.remove()
    },
  }
}

/** Parts in the server's bucket, as one instance has them. */
export async function bucketParts(
  server: S3Server,
  { endpoint = server.settings.endpoint, prefix = '', patience = null as S3Patience | null } = {},
) {
  const spoolFolder = await mkdtemp(join(tmpdir(), 'pat-spool-'))
  const settings = { ...server.settings, endpoint }
  return {
    parts: await s3Parts({
      ...{ settings, prefix: `${prefix}uploads/`, spoolFolder },
      ...(patience && { patience }),
    }),
    spooled: () => readdir(spoolFolder),
    remove: () => rm(spoolFolder, { recursive: true }),
  }
}
