import { mkdir } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { type S3Patience, type S3Settings, s3Calls } from '../storage/s3-calls.ts'
import { openNameless, type Spool } from '../storage/spool.ts'
import type { Parts } from './parts.ts'
import { covered, nameOf, pieceOf, type Range, ranges } from './pieces.ts'

/** So much goes to S3 at a time, and what is left when no more comes. */
const PIECE_BYTES = 8 * 1024 * 1024
const REMOVED_AT_ONCE = 8

/**
 * Parts in a bucket, for any number of instances. Each piece is an object, named `prefix` + id + '/' + where it begins and
 * ends in the file; what is not a piece yet is in `spoolFolder`, on the local disk.
 */
export async function s3Parts(options: {
  settings: S3Settings
  prefix: string
  spoolFolder: string
  patience?: S3Patience
}): Promise<Parts> {
  const { settings, prefix, spoolFolder, patience } = options
  await mkdir(spoolFolder, { recursive: true, mode: 0o700 })
  const s3 = s3Calls(settings, patience)
  const folderOf = (id: string) => `${prefix}${id}/`

  async function* names(id: string): AsyncGenerator<string[]> {
    const folder = folderOf(id)
    for await (const keys of s3.keys(folder)) yield keys.map((key) => key.slice(folder.length))
  }
  const inOrder = async (id: string) => {
    const all = (await Array.fromAsync(names(id))).flat()
    return covered(all.flatMap((name) => pieceOf(name) ?? []))
  }

  return {
    // No piece is there, and that is all.
    create: async () => {},
    size: async (id) => (await inOrder(id)).at(-1)?.to ?? 0,
    // That it begins where the others end was looked at before, and pieces do not become fewer.
    async write(stream, id, offset) {
      let at = offset
      for await (const spool of gathered(stream, () => openNameless(spoolFolder, id))) {
        const to = at + spool.size
        const bytes = await spool.fill(new Uint8Array(spool.size), 0)
        await s3.put(folderOf(id) + nameOf({ from: at, to }), bytes)
        at = to
      }
      return at
    },
    // It answers when it has stored a piece.
    sync: async () => {},
    read: async (id) =>
      oneAhead(ranges(await inOrder(id)), ({ name, offset, length }) =>
        s3.get(folderOf(id) + name, offset, length),
      ),
    async remove(id) {
      for await (const page of names(id)) {
        for (let at = 0; at < page.length; at += REMOVED_AT_ONCE) {
          const some = page.slice(at, at + REMOVED_AT_ONCE)
          await Promise.all(some.map((name) => s3.remove(folderOf(id) + name)))
        }
      }
    },
  }
}

/** What comes, by the piece; the last one also when the stream breaks off, before it is thrown why. */
async function* gathered(stream: Readable, open: () => Promise<Spool>): AsyncGenerator<Spool> {
  let spool = await open()
  let broken: { why: unknown } | undefined
  try {
    try {
      for await (const chunk of stream) {
        await spool.write(chunk)
        if (spool.size < PIECE_BYTES) continue
        yield spool
        await spool.close()
        spool = await open()
      }
    } catch (why) {
      broken = { why }
    }
    if (spool.size > 0) yield spool
    if (broken) throw broken.why
  } finally {
    await spool.close()
  }
}

/** Bytes of these ranges in order, while those of the next one come. */
async function* oneAhead(ranges: Iterable<Range>, read: (range: Range) => Promise<Uint8Array>) {
  let next: Promise<Uint8Array> | undefined
  for (const range of ranges) {
    const coming = read(range)
    // It fails when it is waited for, if ever.
    coming.catch(() => {})
    if (next) yield await next
    next = coming
  }
  if (next) yield await next
}
