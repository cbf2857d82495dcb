// Where the settings of each server send its requests.
import { afterAll, beforeAll, expect, spyOn, test } from 'bun:test'
import dns from 'node:dns'
import { loadConfig, s3Settings } from '../../src/config.ts'
import { s3Calls } from '../../src/storage/s3-calls.ts'

/** Every name is that of this server, which has no bucket. */
let server: ReturnType<typeof Bun.serve>
const urls: string[] = []
const names: string[] = []
const { lookup } = dns
const spy = spyOn(dns, 'lookup')
beforeAll(() => {
  server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch({ url }) {
      urls.push(url)
      return new Response('<Error><Code>NoSuchBucket</Code></Error>', { status: 404 })
    },
  })
  spy.mockImplementation(((name: string, ...rest: [dns.LookupAllOptions, () => void]) => {
    names.push(name)
    return lookup('127.0.0.1', ...rest)
  }) as typeof lookup)
})
afterAll(async () => {
  spy.mockRestore()
  await server.stop(true)
})

test.each([
  ['MinIO', 'http://minio.example:PORT', {}, 'http://minio.example:PORT/flow/a'],
  ['Garage', 'http://127.0.0.1:PORT/', { S3_REGION: 'garage' }, 'http://127.0.0.1:PORT/flow/a'],
  ['Ceph', 'http://rgw.example:PORT', { S3_PREFIX: 'lab/' }, 'http://rgw.example:PORT/flow/a'],
  [
    'a server with a name for each bucket',
    'http://s3.example:PORT',
    { S3_FORCE_PATH_STYLE: 'false' },
    'http://flow.s3.example:PORT/a',
  ],
])(
  'a file of %s, with the endpoint %s, is asked for where that has it',
  async (_, endpoint, more, url) => {
    const at = (text: string) => text.replace('PORT', String(server.port))
    const s3 = open({ S3_ENDPOINT: at(endpoint), ...more })
    expect(await s3.has('a')).toBe(false)
    expect(urls.at(-1)).toBe(at(url))
  },
)

test.each([
  ['its region', {}, 'flow.s3.eu-central-1.amazonaws.com'],
  ['an endpoint', { S3_ENDPOINT: 'https://s3.amazonaws.com' }, 'flow.s3.amazonaws.com'],
])('a bucket of AWS, by %s, has a name of its own', async (_, more, name) => {
  spy.mockImplementationOnce(((asked: string, ...rest: [unknown, (error: Error) => void]) => {
    names.push(asked)
    rest[1](new Error('not from here'))
  }) as typeof lookup)
  await expect(open({ S3_REGION: 'eu-central-1', ...more }).has('a')).rejects.toThrow(
    'S3: HeadObject',
  )
  expect(names.at(-1)).toBe(name)
})

function open(env: Record<string, string>) {
  const keys = { S3_BUCKET: 'flow', S3_ACCESS_KEY_ID: 'an-id', S3_SECRET_ACCESS_KEY: 'a-secret' }
  return s3Calls(s3Settings(loadConfig({ ...keys, ...env })) ?? expect.unreachable())
}
