import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { bounded, statusOf } from './s3-failures.ts'
import { BytesLost, StorageUnavailable } from './storage.ts'

/** The most that S3 lists at a time. */
const PAGE = 1000

export type S3Settings = {
  /** None is AWS's own, by the region. */
  endpoint?: string | undefined
  region: string
  bucket: string
  accessKeyId: string
  secretAccessKey: string
  /** The bucket in the path, as most servers but AWS want it, or in the host name. */
  forcePathStyle: boolean
}

/** How long a call may take, with its retries: one that moves little, and one that moves a part or joins the parts. */
export type S3Patience = { callMs: number; partMs: number }
const PATIENCE: S3Patience = { callMs: 10_000, partMs: 40_000 }

export type S3Part = { PartNumber: number; ETag: string | undefined; ChecksumCRC32: string }
export type S3Calls = ReturnType<typeof s3Calls>

/**
 * The calls to S3 that a storage makes, each bounded in time and with its failure told without a secret. What is sent
 * has its CRC-32 in a header, which a server that knows it checks and keeps; older ones ignore it.
 */
export function s3Calls(settings: S3Settings, { callMs, partMs }: S3Patience = PATIENCE) {
  const { bucket: Bucket, accessKeyId, secretAccessKey, endpoint, ...rest } = settings
  const client = new S3Client({
    ...rest,
    ...(endpoint !== undefined && { endpoint }),
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 3,
    // AWS's newer checksums in trailers are unknown to most other servers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: callMs / 4,
      requestTimeout: partMs,
      throwOnRequestTimeout: true,
    },
  })
  const call = <T>(
    what: string,
    work: (options: { abortSignal: AbortSignal }) => Promise<T>,
    { ms = callMs, stop }: { ms?: number; stop?: AbortSignal } = {},
  ) => bounded(what, work, ms, stop)

  /** The keys after this one, in the order of their bytes. */
  const list = async (Prefix: string, StartAfter: string | undefined, MaxKeys: number) => {
    const command = new ListObjectsV2Command({ Bucket, Prefix, StartAfter, MaxKeys })
    const { Contents = [], IsTruncated } = await call('ListObjectsV2', (options) =>
      client.send(command, options),
    )
    const keys = Contents.flatMap(({ Key }) => Key ?? [])
    return { keys, more: IsTruncated === true && keys.length > 0 }
  }

  return {
    put: (Key: string, Body: Uint8Array) =>
      call(
        'PutObject',
        (options) =>
          client.send(
            new PutObjectCommand({ Bucket, Key, Body, ChecksumCRC32: checksum(Body) }),
            options,
          ),
        { ms: partMs },
      ),

    async begin(Key: string): Promise<string> {
      const command = new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32' })
      const { UploadId } = await call('CreateMultipartUpload', (options) =>
        client.send(command, options),
      )
      if (UploadId === undefined) throw new StorageUnavailable('S3 gave an upload no id')
      return UploadId
    },

    async part(
      Key: string,
      UploadId: string,
      PartNumber: number,
      Body: Uint8Array,
      stop: AbortSignal,
    ): Promise<S3Part> {
      const ChecksumCRC32 = checksum(Body)
      const command = new UploadPartCommand({
        ...{ Bucket, Key, UploadId, PartNumber, Body, ChecksumCRC32 },
      })
      const { ETag } = await call('UploadPart', (options) => client.send(command, options), {
        ms: partMs,
        stop,
      })
      return { PartNumber, ETag, ChecksumCRC32 }
    },

    complete: (Key: string, UploadId: string, Parts: S3Part[]) => {
      const command = new CompleteMultipartUploadCommand({
        ...{ Bucket, Key, UploadId, MultipartUpload: { Parts } },
      })
      return call('CompleteMultipartUpload', (options) => client.send(command, options), {
        ms: partMs,
      })
    },

    abort: (Key: string, UploadId: string) =>
      call('AbortMultipartUpload', (options) =>
        client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), options),
      ),

    /** Exactly these bytes of an object, into memory of their own. */
    get: (Key: string, offset: number, length: number): Promise<Uint8Array> =>
      call('GetObject', async (options) => {
        const Range = `bytes=${offset}-${offset + length - 1}`
        const { Body, ContentLength } = await client.send(
          new GetObjectCommand({ Bucket, Key, Range }),
          options,
        )
        if (!(Body instanceof Readable)) throw new TypeError('no stream of bytes')
        options.abortSignal.addEventListener('abort', () => Body.destroy(), { once: true })
        try {
          if (ContentLength !== undefined && ContentLength !== length)
            throw new BytesLost('S3 has other bytes than its row says')
          return await collected(Body, length)
        } finally {
          Body.destroy()
        }
      }),

    remove: (Key: string) =>
      call('DeleteObject', (options) =>
        client.send(new DeleteObjectCommand({ Bucket, Key }), options),
      ),

    has: (Key: string): Promise<boolean> =>
      call('HeadObject', (options) =>
        client.send(new HeadObjectCommand({ Bucket, Key }), options).then(
          () => true,
          (error) => {
            if (statusOf(error) === 404) return false
            throw error
          },
        ),
      ),

    list,

    /** All keys that begin so, in the order of their bytes, by the page. */
    async *keys(Prefix: string): AsyncGenerator<string[]> {
      let after: string | undefined
      for (let more = true; more; ) {
        const page = await list(Prefix, after, PAGE)
        yield page.keys
        after = page.keys.at(-1)
        more = page.more
      }
    },

    /** The first thousand uploads that were begun and neither completed nor aborted. */
    async uploads(Prefix: string): Promise<{ key: string; id: string; begun: Date }[]> {
      const command = new ListMultipartUploadsCommand({ Bucket, Prefix })
      const { Uploads = [] } = await call('ListMultipartUploads', (options) =>
        client.send(command, options),
      )
      return Uploads.flatMap(({ Key: key, UploadId: id, Initiated: begun }) =>
        key && id && begun ? { key, id, begun } : [],
      )
    },
  }
}

const checksum = (bytes: Uint8Array): string => {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

async function collected(body: Readable, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let at = 0
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) break
    bytes.set(chunk, at)
    at += chunk.length
  }
  if (at !== length) throw new StorageUnavailable('S3 broke off in the middle of an object')
  return bytes
}
