import type { ByteSource } from '../fcs/index.ts'

/** There is no room for the bytes: on the device, in the quota, or under the limit of a file's size. */
export class StorageFull extends Error {}

/** The storage can't be asked at the moment, and the same request may pass later. */
export class StorageUnavailable extends Error {
  /** The HTTP status by which it refused, when it answered at all. */
  readonly status: number | undefined
  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** Bytes that were kept are not there any more, or not all of them. */
export class BytesLost extends Error {}

/** A file under way: invisible until `commit`, gone after `discard`. */
export type Staged = {
  /** The chunk's memory may be used again once this resolves. */
  write(chunk: Uint8Array): Promise<void>
  /** What was written so far. Reads take turns with the same memory: a large file is read over and over. */
  source(): ByteSource
  commit(): Promise<void>
  /** Never throws: what it can't take away, `tidy` does later. After a commit that failed, `remove` as well. */
  discard(): Promise<void>
}

/**
 * Where the bytes of files are, each by its id, a UUID in lower case. Throws StorageFull, StorageUnavailable and, for
 * what is read, BytesLost; no call waits without end.
 */
export type Storage = {
  stage(id: string): Promise<Staged>
  source(id: string, size: number): ByteSource
  /** What is not there is no error. */
  remove(id: string): Promise<void>
  has(id: string): Promise<boolean>
  /** The ids of all that is committed, in ascending order, by the page. */
  list(): AsyncIterable<string[]>
  /** Takes away what is left of uploads that were given up long ago, neither committed nor discarded: how many. */
  tidy(olderThanMs?: number): Promise<number>
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether a name is that of a file of ours: others may keep theirs beside them. */
export const isId = (name: string): boolean => ID.test(name)
