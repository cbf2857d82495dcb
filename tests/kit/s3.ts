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

const BUCKET = 'flow'
// The only keys that s3rver knows.
const KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

export type S3Server = Awaited<ReturnType<typeof startS3>>
export type S3Kind = keyof typeof COMMANDS

const VERSITYGW = Bun.which('versitygw', {
  PATH: `${process.env.PATH}:${process.env.HOME}/go/bin`,
})

/** How each is started, on a port of 127.0.0.1 and a folder with `buckets` and `sidecar`, for what is known of them. */
const COMMANDS = {
  s3rver: (port: number, folder: string) => ({
    command: [
      process.execPath,
      join(import.meta.dir, 's3rver.ts'),
      `${port}`,
      join(folder, 'buckets'),
      BUCKET,
    ],
    env: {},
  }),
  versitygw: (port: number, folder: string) => ({
    command: [VERSITYGW ?? '', '--quiet', '--keep-alive', '--port', `127.0.0.1:${port}`].concat([
      'posix',
      '--sidecar',
      join(folder, 'sidecar'),
      join(folder, 'buckets'),
    ]),
    env: { ROOT_ACCESS_KEY: KEYS.accessKeyId, ROOT_SECRET_KEY: KEYS.secretAccessKey },
  }),
}

/** s3rver comes with the packages; it neither lists nor aborts uploads in parts, and checks no checksum. */
export const S3_KINDS: S3Kind[] = VERSITYGW ? ['s3rver', 'versitygw'] : ['s3rver']
/** The most exact server that is here, and whether it does all that S3 does. */
export const BEST_S3: S3Kind = VERSITYGW ? 'versitygw' : 's3rver'
export const HAS_VERSITYGW = VERSITYGW !== null

/** An S3 server with one empty bucket. */
export async function startS3(kind: S3Kind) {
  const folder = await mkdtemp(join(tmpdir(), 'pat-s3-'))
  await mkdir(join(folder, 'buckets', BUCKET), { recursive: true })
  await mkdir(join(folder, 'sidecar'))
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const { command, env } = COMMANDS[kind](port, folder)
  const [program = '', ...args] = command
  const options = { env: { PATH: process.env.PATH, ...env }, stdio: 'ignore' as const }
  const answers = () => fetch(endpoint).then(Boolean, () => false)
  const server = engine(() => spawn(program, args, options), answers)
  await server.start()

  const settings: S3Settings = {
    ...{ endpoint, region: 'us-east-1', bucket: BUCKET, forcePathStyle: true, ...KEYS },
  }
  const client = new S3Client({ ...settings, endpoint, credentials: KEYS })
  return Object.assign(server, {
    port,
    settings,
    /** As the program takes them, by this endpoint or through a proxy. */
    env: (to = endpoint) => ({
      S3_ENDPOINT: to,
      S3_BUCKET: BUCKET,
      S3_ACCESS_KEY_ID: KEYS.accessKeyId,
      S3_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
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
