// What tus-js-client makes of the service, over connections that end in the middle.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { Upload, type UploadOptions } from 'tus-js-client'
import { FILES } from '../files/kit.ts'
import { fileServer } from '../files/server.ts'
import { channelNames, largeFcs } from '../kit/large-fcs.ts'
import { testServer } from '../kit/postgres.ts'
import { randomNumbers } from '../kit/random.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { until } from '../kit/service.ts'
import { type Cut, cuttingProxy } from './cutting-proxy.ts'
import { idOf, named, PIECE, TUS, UPLOADS } from './kit.ts'

const whole = Buffer.concat([...largeFcs(25)])
const sha256 = createHash('sha256').update(whole).digest('hex')

describe.each(['a folder', 'S3'] as const)('with files in %s:', (where) => {
  let s3: S3Server | undefined
  let server: Awaited<ReturnType<typeof fileServer>>
  let bearer: string
  beforeAll(async () => {
    if (where === 'S3') s3 = await startS3('s3rver')
    server = await fileServer(undefined, s3?.env())
    bearer = (await server.newToken()).token
  }, 30_000)
  afterAll(async () => {
    await server.close()
    await s3?.stop()
  })
  /** Where bytes are of uploads and of files. */
  const kept = async () =>
    s3 ? s3.keys() : [...(await readdir(join(server.folder, 'uploads'))), ...(await server.files())]

  /**
   * Uploads the file through a proxy with these cuts: the id of the file, and what was asked and answered, with the place
   * of each piece. `answered` is called with each of these, and with the upload.
   */
  async function upload(
    cuts: Iterable<Cut>,
    options: Partial<UploadOptions> = {},
    answered: (answer: string, upload: Upload) => Promise<void> | void = () => {},
  ) {
    const proxy = await cuttingProxy(server.url, cuts[Symbol.iterator]())
    const answers: string[] = []
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(whole, {
        endpoint: proxy.url + UPLOADS,
        headers: { authorization: `Bearer ${bearer}` },
        metadata: { filename: 'large.fcs' },
        retryDelays: Array(99).fill(0),
        async onAfterResponse(request, response) {
          const from = request.getHeader('Upload-Offset')
          const asked = from === undefined ? request.getMethod() : `PATCH from ${from}`
          const answer = `${asked}: ${response.getStatus()}`
          answers.push(answer)
          await answered(answer, upload)
        },
        onSuccess: () => resolve(upload.url ?? ''),
        onError: reject,
        ...options,
      })
      upload.start()
    })
    proxy.stop()
    return { id: idOf(url), answers, cuts: proxy.cuts() }
  }

  /** The file is there, whole, and nothing else. */
  async function expectWhole(id: string) {
    expect(await progress(id)).toEndWith('{"status":"ready","progress":1,"failure":null}\n\n')
    const shown = await server.call('GET', `${FILES}/${id}`, { bearer })
    expect(shown.body.data).toMatchObject({ status: 'ready', sha256, size_bytes: whole.length })
    await until(async () => `${await kept()}` === id)
    await server.call('DELETE', `${FILES}/${id}`, { bearer })
  }

  const progress = async (id: string) =>
    (await server.call('GET', `${FILES}/${id}/progress`, { bearer })).text

  /** Cuts at random places, until more than the file has passed. */
  function* anywhere(seed: number): Generator<Cut> {
    const random = randomNumbers(seed)
    for (let passed = 0; passed < 1.2 * whole.length; ) {
      const afterBytes = Math.floor(random() * 5_000_000)
      passed += afterBytes
      yield random() < 0.2 ? 'no answer' : { afterBytes }
    }
  }

  test.each([
    ['one piece', 20_261_122, Number.POSITIVE_INFINITY],
    ['pieces of 4 MB', 20_261_123, 4_000_000],
  ] as const)(
    'tus-js-client resumes a file of 21 MB sent as %s over connections that are cut anywhere',
    async (_, seed, chunkSize) => {
      const { id, answers, cuts } = await upload(anywhere(seed), { chunkSize })
      expect(cuts).toBeGreaterThan(5)
      expect(answers).toContain('HEAD: 200')
      await progress(id)
      const read = await server.call('GET', `/api/v1/fcs/parameters?file_id=${id}`, { bearer })
      expect(read.body.data.parameters.map(({ pnn }: { pnn: string }) => pnn)).toEqual(channelNames)
      await expectWhole(id)
      if (s3) expect(await readdir(server.folder)).not.toContain('uploads')
      const { level } = server.lines.find(({ level }) => level === 'error') ?? {}
      expect(level).toBeUndefined()
    },
    30_000,
  )

  const TEN = 10_000_000
  const REST = [`HEAD: 200`, `PATCH from ${TEN}: 204`, `PATCH from ${2 * TEN}: 204`]

  test.skipIf(where !== 'S3')(
    'tus-js-client goes on with an upload after S3 was killed in the middle of it',
    async () => {
      const { id, answers } = await upload([], { chunkSize: TEN }, async (answer) => {
        if (answer === 'PATCH from 0: 204') await s3?.kill()
        if (answer === 'HEAD: 423') await s3?.start()
      })
      expect(answers).toEqual([
        ...['POST: 201', 'PATCH from 0: 204', `PATCH from ${TEN}: 503`, 'HEAD: 423', ...REST],
      ])
      await expectWhole(id)
    },
    30_000,
  )

  test.skipIf(where === 'S3')(
    'tus-js-client that finds its upload locked asks again, and sends no byte twice',
    async () => {
      const metadata = { 'upload-length': String(whole.length), 'upload-metadata': named('a.fcs') }
      const begun = await server.call('POST', UPLOADS, { bearer, headers: { ...TUS, ...metadata } })
      const at = begun.headers.get('location') ?? ''
      const piece = (offset: number, to: number) => {
        const headers = { ...PIECE, 'upload-offset': String(offset) }
        return server.call('PATCH', at, {
          bearer,
          headers,
          body: new Uint8Array(whole.subarray(offset, to)),
        })
      }
      await piece(0, TEN)
      // For as long as one can be held, which is longer than anybody waits for it.
      await server.sql`
        update uploads set holder = gen_random_uuid(), held_until = now() + interval '10 seconds'`
      const others = Promise.all([
        piece(TEN, TEN + 9),
        server.call('DELETE', at, { bearer, headers: TUS }),
      ])
      const options = { chunkSize: TEN, uploadUrl: server.url + at }
      const { id, answers } = await upload([], options, async (answer) => {
        if (answer !== 'HEAD: 423') return
        await others
        await server.sql`update uploads set held_until = now()`
      })
      expect(answers).toEqual(['HEAD: 423', ...REST])
      for (const { status, headers } of await others) {
        expect([status, headers.get('retry-after')]).toEqual([423, '1'])
      }
      await expectWhole(id)
    },
    30_000,
  )

  test.skipIf(where === 'S3')(
    'tus-js-client without an endpoint goes on with an upload after the database was away',
    async () => {
      const admin = postgres((await testServer()).url, { max: 1 })
      const name = String(server.sql.options.database)
      const admit = (whether: boolean) => admin`
        alter database ${admin(name)} allow_connections ${admin.unsafe(String(whether))}`
      const { id, answers } = await upload([], { chunkSize: TEN }, async (answer, upload) => {
        if (answer === 'PATCH from 0: 204') {
          upload.options.endpoint = null
          await admit(false)
          await admin`
            select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${name}`
        }
        if (answer === 'HEAD: 503') await admit(true)
      })
      await admin.end()
      expect(answers).not.toContain('POST: 503')
      expect(answers.filter((answer) => answer.endsWith(': 204'))).toEqual([
        ...['PATCH from 0: 204', `PATCH from ${TEN}: 204`, `PATCH from ${2 * TEN}: 204`],
      ])
      await expectWhole(id)
    },
    30_000,
  )
})
