// The program itself with its files in S3, as its settings say.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { RAW, UPLOAD } from '../files/kit.ts'
import { certificates, hasOpenssl, unlessOpenssl } from '../kit/certificates.ts'
import { type Client, client, fcsToken, logIn } from '../kit/client.ts'
import { mainJob } from '../kit/main-job.ts'
import { createDatabase } from '../kit/postgres.ts'
import { startS3 } from '../kit/s3.ts'
import { startFaults } from '../kit/s3-faults.ts'
import { BEST_S3, IS_EXACT } from '../kit/s3-kinds.ts'
import { folders, outcome, service } from '../kit/service.ts'

setDefaultTimeout(30_000)

const made = folders()
let database: Awaited<ReturnType<typeof createDatabase>>
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(async () => {
  await database.drop()
  await made.remove()
})

const settings = (folder: string, s3: Record<string, string>) => ({
  ...{ DATABASE_URL: database.url, DATA_DIR: join(folder, 'data'), RATE_LIMIT_PER_MINUTE: '0' },
  ...{ S3_PREFIX: 'lab/flow/', ...s3 },
})

async function upload(call: Client, bearer: string) {
  const body = new Uint8Array(await Bun.file('data/sample.fcs').bytes())
  return call('POST', `${UPLOAD}?filename=a.fcs`, { bearer, body, headers: RAW })
}

test('the main job is done with files in S3, months of the audit log beside them, and nothing on the local disk', async () => {
  const own = await createDatabase()
  const [folder, s3] = [await made.create(), await startS3(BEST_S3)]
  const sql = postgres(own.url, { max: 1 })
  await sql`
    insert into audit_log (token_id, at, method, endpoint, status_code, authorized)
    values (gen_random_uuid(), '2001-02-03', 'GET', '/', 200, true)`
  await sql.end()
  const env = {
    ...settings(folder, s3.env()),
    ...{ DATABASE_URL: own.url, AUDIT_RETENTION_DAYS: '30' },
  }
  const running = await service(folder, env)
  const answers = await mainJob(running.url)
  const status = (step: string) => answers.get(step)?.status
  expect(status('upload raw')).toBe(201)
  expect(status('upload half a file')).toBe(422)
  expect(status('statistics of a file')).toBe(200)
  expect(status('download')).toBe(200)
  expect(status('download a range')).toBe(206)
  expect(answers.get('download a range')?.text).toBe('FCS3.1')
  expect(status('delete a file')).toBe(200)
  const upload = answers.get('upload multipart')?.body.data.file_id
  const { file } = await running.logged('audit month retired')
  const kept = [`lab/flow/${upload}`, `lab/flow/audit/${file}`]
  expect((await s3.keys()).toSorted()).toEqual(kept.toSorted())
  expect(await readdir(join(folder, 'data/spool'))).toEqual([])
  const onDisk = await readdir(join(folder, 'data'))
  for (const name of ['files', 'audit']) expect(onDisk).not.toContain(name)
  await running.end()
  await s3.stop()
  await own.drop()
})

test('settings that S3 refuses stop the start in one line that holds no secret', async () => {
  const [folder, s3] = [await made.create(), await startS3(BEST_S3)]
  // s3rver believes any secret.
  const wrongs = [{ S3_BUCKET: 'nobodys' }, { S3_SECRET_ACCESS_KEY: 'hush-hush' }]
  for (const wrong of IS_EXACT ? wrongs : wrongs.slice(0, 1)) {
    const ended = await outcome(folder, settings(folder, { ...s3.env(), ...wrong }))
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/^The settings S3_… are refused by the server: S3: .*\n$/)
    for (const secret of ['hush', s3.settings.accessKeyId, s3.settings.secretAccessKey])
      expect(ended.stdout + ended.stderr).not.toContain(secret)
  }
  await s3.stop()
})

test('S3 that is away at the start is a warning: the service runs, and stores when S3 is back', async () => {
  const [folder, s3] = [await made.create(), await startS3('s3rver')]
  const faults = startFaults(s3)
  faults.fail(() => ({ answer: 503, code: 'ServiceUnavailable' }))
  const running = await service(folder, settings(folder, s3.env(faults.endpoint)))
  expect(running.lines.map(({ event }) => event)).toContain('the storage of files does not answer')
  const call = client(running.url)
  const { token } = await fcsToken(call, await logIn(call, 'patient'))
  expect((await upload(call, token)).status).toBe(503)
  expect((await call('GET', '/ready')).status).toBe(200)
  faults.fail()
  expect((await upload(call, token)).status).toBe(201)
  await running.end()
  await faults.stop()
  await s3.stop()
})

test.skipIf(!hasOpenssl)(
  `S3 over TLS is believed when its authority is named, and else is a warning that says why${unlessOpenssl}`,
  async () => {
    const [folder, s3] = [await made.create(), await startS3(BEST_S3)]
    const { authority, ...files } = certificates(folder, 'localhost')
    const proxy = startFaults(s3, files)
    const env = settings(folder, s3.env(proxy.endpoint.replace('127.0.0.1', 'localhost')))

    const believing = await service(folder, { ...env, NODE_EXTRA_CA_CERTS: authority })
    const call = client(believing.url)
    const { token } = await fcsToken(call, await logIn(call, 'careful'))
    expect((await upload(call, token)).status).toBe(201)
    expect(await s3.keys()).toHaveLength(1)
    expect(await believing.end()).toBe(0)

    proxy.calls.length = 0
    const doubting = await service(folder, env)
    const said = doubting.lines.find(
      ({ event }) => event === 'the storage of files does not answer',
    )
    expect(said).toMatchObject({
      level: 'warn',
      error: expect.stringContaining('UNABLE_TO_VERIFY'),
    })
    expect((await upload(client(doubting.url), token)).status).toBe(503)
    expect(proxy.calls).toEqual([])
    expect(await doubting.end()).toBe(0)
    await proxy.stop()
    await s3.stop()
  },
)
