// What tus-js-client makes of the service, over connections that end in the middle.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Upload, type UploadOptions } from 'tus-js-client'
import { FILES } from '../files/kit.ts'
import { fileServer } from '../files/server.ts'
import { channelNames, largeFcs } from '../kit/large-fcs.ts'
import { randomNumbers } from '../kit/random.ts'
import { type S3Server, startS3 } from '../kit/s3.ts'
import { until } from '../kit/service.ts'
import { type Cut, cuttingProxy } from './cutting-proxy.ts'
import { UPLOADS } from './kit.ts'

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

  /** Uploads the file through a proxy with these cuts; the id of the file, and what was asked and answered. */
  async function upload(cuts: Iterable<Cut>, options: Partial<UploadOptions> = {}) {
    const proxy = await cuttingProxy(server.url, cuts[Symbol.iterator]())
    const answers: string[] = []
    const url = await new Promise<string>((resolve, reject) => {
      const upload = new Upload(whole, {
        endpoint: proxy.url + UPLOADS,
        headers: { authorization: `Bearer ${bearer}` },
        metadata: { filename: 'large.fcs' },
        retryDelays: Array(99).fill(0),
        onAfterResponse: (request, response) =>
          void answers.push(`${request.getMethod()} ${response.getStatus()}`),
        // It begins anew, as a rule, when it may not ask how much there is, for whatever reason.
        onUploadUrlAvailable: () => {
          upload.options.endpoint = null
        },
        onSuccess: () => resolve(upload.url ?? ''),
        onError: reject,
        ...options,
      })
      upload.start()
    })
    proxy.stop()
    return { id: url.split('/').pop() ?? '', answers, cuts: proxy.cuts() }
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
      expect(answers).toContain('HEAD 200')
      expect(await progress(id)).toEndWith('{"status":"ready","progress":1,"failure":null}\n\n')
      const shown = await server.call('GET', `${FILES}/${id}`, { bearer })
      expect(shown.body.data).toMatchObject({ status: 'ready', sha256, size_bytes: whole.length })
      const read = await server.call('GET', `/api/v1/fcs/parameters?file_id=${id}`, { bearer })
      expect(read.body.data.parameters.map(({ pnn }: { pnn: string }) => pnn)).toEqual(channelNames)
      await until(async () => `${await kept()}` === id)
      await server.call('DELETE', `${FILES}/${id}`, { bearer })
      if (s3) expect(await readdir(server.folder)).not.toContain('uploads')
      const { level } = server.lines.find(({ level }) => level === 'error') ?? {}
      expect(level).toBeUndefined()
    },
    30_000,
  )

  test.skipIf(where !== 'S3')(
    'tus-js-client goes on with an upload after S3 was killed in the middle of it',
    async () => {
      const answers: string[] = []
      const { id } = await upload([], {
        chunkSize: 10_000_000,
        async onAfterResponse(request, response) {
          const answer = `${request.getMethod()} ${response.getStatus()}`
          answers.push(answer)
          if (answers.length === 2) await s3?.kill()
          if (answer === 'HEAD 503') await s3?.start()
        },
      })
      expect(answers).toEqual([
        ...['POST 201', 'PATCH 204', 'PATCH 503', 'HEAD 503', 'HEAD 200', 'PATCH 204', 'PATCH 204'],
      ])
      await progress(id)
      const shown = await server.call('GET', `${FILES}/${id}`, { bearer })
      expect(shown.body.data).toMatchObject({ status: 'ready', sha256 })
      await until(async () => `${await kept()}` === id)
    },
    30_000,
  )
})
