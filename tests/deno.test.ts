import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { tasks } from '../deno.json'
import { client, fcsToken, logIn, uploadHead } from './kit/client.ts'
import { type Answers, mainJob, stepNames } from './kit/main-job.ts'
import { createDatabase } from './kit/postgres.ts'
import { hasRedis, type TestRedis, testRedis, unlessRedis } from './kit/redis.ts'
import { folders, rawConnection, type Service, service, until } from './kit/service.ts'

setDefaultTimeout(30_000)

const project = join(import.meta.dir, '..')
const made = folders()
const databases: Awaited<ReturnType<typeof createDatabase>>[] = []
const sampleSize = Bun.file(join(project, 'data/sample.fcs')).size
let deno: Service
let redis: TestRedis | undefined
let stored: string
let onDeno: Answers
let onBun: Answers

/**
 * The start task of deno.json, run by the npm package's executable itself: the package's launcher, which fetches
 * it the first time, hands no signal on.
 */
function startTask(): string[] {
  const launcher = Bun.resolveSync('deno/bin.cjs', project)
  spawnSync(process.execPath, [launcher, '--version'])
  const [, ...args] = tasks.start.split(' ')
  const script = args.pop() ?? ''
  return [join(dirname(launcher), 'deno'), ...args, join(project, script)]
}

async function settings(folder: string): Promise<Record<string, string>> {
  const database = await createDatabase()
  databases.push(database)
  return {
    DATABASE_URL: database.url,
    DATA_DIR: join(folder, 'data'),
    DENO_DIR: join(folder, 'deno'),
    RATE_LIMIT_PER_MINUTE: '1000',
  }
}

beforeAll(async () => {
  const folder = await made.create()
  stored = join(folder, 'data/files')
  redis = hasRedis ? await testRedis() : undefined
  const env = { ...(await settings(folder)), ...(redis && { REDIS_URL: redis.url }) }
  deno = await service(folder, env, startTask())
  onDeno = await mainJob(deno.url)
  const other = await made.create()
  const bun = await service(other, await settings(other))
  onBun = await mainJob(bun.url)
  await bun.end()
})
afterAll(async () => {
  await deno.end()
  await redis?.end()
  for (const { drop } of databases) await drop()
  await made.remove()
})

test('the start task of deno.json does the main job, from register to revoked', () => {
  const status = (step: string) => onDeno.get(step)?.status
  expect(status('register')).toBe(201)
  expect(status('create a token')).toBe(201)
  expect(status('scope missing')).toBe(403)
  expect(onDeno.get('parameters of the sample')?.body.data.total_parameters).toBe(26)
  expect(status('upload raw')).toBe(201)
  expect(onDeno.get('statistics of a file')?.body.data.total_events).toBe(34_297)
  expect(onDeno.get('download')?.headers.get('content-length')).toBe(String(sampleSize))
  expect(status('revoke')).toBe(200)
  expect(onDeno.get('a revoked token')?.body.message).toBe('Token revoked')
  expect(onDeno.get('log after the revoke')?.body.data.logs[0]).toMatchObject({
    ip: '127.0.0.1',
    status_code: 401,
    reason: 'Token revoked',
  })
})

test.skipIf(!hasRedis)(`Deno counts what is limited in Redis${unlessRedis}`, async () => {
  expect(await redis?.command('LLEN', 'pat-auth:address:{127.0.0.1}')).toBeGreaterThan(0)
})

/** The text without what is new in every run. */
const lasting = (text: string) =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/pat_[0-9A-Za-z]{8,36}/g, '<token>')
    .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<session>')
    .replace(/"\d{13}-(\d+)"/g, '"<time>-$1"')
    // Bun's own addition; JSON has one encoding (RFC 8259 §8.1).
    .replace(/^application\/json;charset=utf-8$/, 'application/json')
/** New in every run, or how each server frames a body. */
const varying = [
  'date',
  'x-request-id',
  'ratelimit',
  'connection',
  'content-length',
  'transfer-encoding',
]

test.each(stepNames)('Deno answers as Bun does: %s', (step) => {
  const [ours, theirs] = [onDeno, onBun].map((answers) => {
    const answer = answers.get(step)
    const headers = [...(answer?.headers ?? [])].filter(([name]) => !varying.includes(name))
    return {
      status: answer?.status,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, lasting(value)])),
      text: lasting(answer?.text ?? ''),
    }
  })
  expect(ours).toEqual(theirs as never)
})

test('no Host takes the place of the path or of the query: a gateway is told what it has asked for', async () => {
  const call = client(deno.url)
  const { token } = await fcsToken(call, await logIn(call, 'guest'))
  const asked = async (host: string) => {
    const { socket, first } = await rawConnection(deno.url)
    const lines = [
      'GET /api/v1/auth/verify?scope=workspaces:admin HTTP/1.1',
      `Host: ${host}`,
      `Authorization: Bearer ${token}`,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    const answer = await first
    socket.destroy()
    return answer.slice(9, 12)
  }
  for (const host of ['a.local', 'a.local:8000', '[::1]:8000', '127.0.0.1', 'a_b', '']) {
    expect([host, await asked(host)]).toEqual([host, '403'])
  }
  for (const host of [
    'a/health?',
    'a?scope=fcs:read&',
    'a#',
    'a\\health?',
    'a b',
    'u@a',
    '?',
    '/',
  ]) {
    expect([host, await asked(host)]).toEqual([host, '400'])
  }
})

test('SIGTERM: what is under way is answered, what comes is refused with 503, and it exits with 0', async () => {
  const call = client(deno.url)
  const { token } = await fcsToken(call, await logIn(call, 'patient'))
  const whole = await Bun.file(join(project, 'data/sample.fcs')).bytes()
  const [upload, next] = [await rawConnection(deno.url), await rawConnection(deno.url)]
  upload.socket.write(uploadHead(token, whole.length))
  upload.socket.write(whole.subarray(0, whole.length / 2))
  await until(async () => (await readdir(stored)).some((name) => name.endsWith('.part')))
  deno.signal('SIGTERM')
  await deno.logged('stopping')
  next.socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await next.first).toStartWith('HTTP/1.1 503')
  upload.socket.write(whole.subarray(whole.length / 2))
  expect(await upload.closed).toStartWith('HTTP/1.1 201')
  expect(await deno.closed).toBe(0)
})
