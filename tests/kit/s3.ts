// Real S3 servers, each in a process of its own that a test may kill.
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import type { S3Settings } from '../../src/storage/s3-calls.ts'
import { engine } from './engine.ts'
import { freePort } from './nginx.ts'
import { BUCKET, type S3Kind, s3Server } from './s3-kinds.ts'

export type S3Server = Awaited<ReturnType<typeof startS3>>

/** An S3 server with one empty bucket. */
export async function startS3(kind: S3Kind) {
  const folder = await mkdtemp(join(tmpdir(), 'pat-s3-'))
  await mkdir(join(folder, 'buckets', BUCKET), { recursive: true })
  await mkdir(join(folder, 'sidecar'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const { program, args, env, keys, region } = s3Server(kind)
  if (program === null) throw new Error(`${kind} is not installed`)
  const words = await args(port, folder)
  const options = { env: { PATH: process.env.PATH, ...env }, stdio: 'ignore' as const }
  const answers = () =>
    fetch(endpoint).then(
      ({ status }) => status < 500,
      () => false,
    )
  const server = engine(() => spawn(program, words, options), answers)
  await server.start()

  const settings: S3Settings = {
    ...{ endpoint, region, bucket: BUCKET, forcePathStyle: true, ...keys },
  }
  const client = new S3Client({ ...settings, endpoint, credentials: keys })
  return Object.assign(server, {
    port,
    settings,
    /** As the program takes them, by this endpoint or through a proxy. */
    env: (to = endpoint) => ({
      S3_ENDPOINT: to,
      S3_BUCKET: BUCKET,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: keys.accessKeyId,
      S3_SECRET_ACCESS_KEY: keys.secretAccessKey,
    }),
    /** What is in the bucket, by the server's own word. */
    async keys(): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }))
      return Contents.map(({ Key = '' }) => Key)
    },
    /** The uploads in parts that were begun and have not ended. */
    async uploads(): Promise<string[]> {
      const command = new ListMultipartUploadsCommand({ Bucket: BUCKET })
      return ((await client.send(command)).Uploads ?? []).map(({ Key = '' }) => Key)
    },
    /** The checksum that the server keeps with an object. */
    async checksum(Key: string): Promise<string | undefined> {
      const command = new HeadObjectCommand({ Bucket: BUCKET, Key, ChecksumMode: 'ENABLED' })
      return (await client.send(command)).ChecksumCRC32
    },
    async stop() {
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  })
}
