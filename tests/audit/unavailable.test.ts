import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp } from '../kit/app.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { until } from '../kit/service.ts'

const file = writeFcs({ parameters: [{ name: 'A' }], columns: [Float32Array.of(1, 2, 3)] })
const RAW = { 'content-type': 'application/octet-stream' }

async function prepared(auditRequired: boolean) {
  const app = await testApp({ auditRequired })
  const token = await app.token(await app.user(), ['workspaces:write', 'users:read', 'fcs:write'])
  return { app, token }
}

/** Runs `work` while no audit row can be written. */
async function withoutLog<T>({ sql }: TestApp, work: () => Promise<T>): Promise<T> {
  await sql`alter table audit_log rename to gone`
  try {
    return await work()
  } finally {
    await sql`alter table gone rename to audit_log`
  }
}

describe('when the row can not be written', () => {
  let app: TestApp
  let token: Token
  let download: string

  beforeAll(async () => {
    ;({ app, token } = await prepared(true))
    const upload = { bearer: token.token, headers: RAW, body: file.slice() }
    const { body } = await app.call('POST', '/api/v1/fcs/upload?filename=a.fcs', upload)
    download = `/api/v1/fcs/files/${body.data.file_id}/download`
  })
  afterAll(() => app.close())

  test('the call is refused with 503, whatever its answer would have been', async () => {
    const calls = [
      ['GET', '/api/v1/users/me'],
      ['GET', download],
      ['DELETE', '/api/v1/workspaces/x'],
      ['GET', '/api/v1/nothing'],
      ['GET', '/'],
    ] as const
    for (const [method, path] of calls) {
      const answer = await withoutLog(app, () => app.call(method, path, { bearer: token.token }))
      expect([path, answer.status]).toEqual([path, 503])
      expect(answer.body).toEqual({
        success: false,
        error: 'Service Unavailable',
        message: 'The use of the token could not be recorded',
      })
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(answer.headers.get('x-request-id')).toBeString()
    }
  })

  test('no header of the answer that is withheld goes out', async () => {
    const { headers } = await withoutLog(app, () =>
      app.call('GET', download, { bearer: token.token }),
    )
    expect(headers.get('content-type')).toStartWith('application/json')
    const ofTheFile = ['content-length', 'content-disposition', 'etag', 'accept-ranges']
    expect(ofTheFile.filter((name) => headers.has(name))).toEqual([])
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('the refusal is in the form that the client asked for, and says of the token and the limits what any answer says', async () => {
    const limited = await testApp({ rateLimitPerMinute: 60, corsOrigins: ['https://lab.example'] })
    const { token } = await limited.token(await limited.user(), ['users:read'])
    const headers = { accept: 'application/problem+json', origin: 'https://lab.example' }
    const call = { bearer: token, headers }
    const refused = await withoutLog(limited, () => limited.call('GET', '/api/v1/users/me', call))
    const answered = await limited.call('GET', '/api/v1/users/me', call)
    expect(refused.body).toMatchObject({ status: 503, type: expect.stringMatching(/unavailable/) })
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    const same = ['token-expires-at', 'ratelimit-policy', 'access-control-allow-origin', 'vary']
    const of = (answer: { headers: Headers }) => same.map((name) => answer.headers.get(name))
    expect(of(refused)).toEqual(of(answered))
    expect(of(refused)).not.toContain(null)
    await limited.close()
  })

  test('it is in the log of the program, and calls without a token go on', async () => {
    const before = app.lines.length
    await withoutLog(app, async () => {
      await app.call('GET', '/api/v1/users/me', { bearer: token.token })
      expect((await app.call('GET', '/')).status).toBe(200)
      expect((await app.call('GET', '/api/v1/users/me')).status).toBe(401)
    })
    const events = app.lines.slice(before).map((line) => JSON.parse(line).event)
    expect(events).toEqual(['audit rows lost'])
  })

  test('the service recovers by itself', async () => {
    await withoutLog(app, () => app.call('GET', '/api/v1/users/me', { bearer: token.token }))
    const before = await app.auditOf(token.id)
    expect((await app.call('GET', '/api/v1/users/me', { bearer: token.token })).status).toBe(200)
    expect(await app.auditOf(token.id)).toHaveLength(before.length + 1)
  })
})

test('with AUDIT_REQUIRED=false the answer goes out, and the loss is logged and counted', async () => {
  const { app, token } = await prepared(false)
  try {
    await withoutLog(app, async () => {
      const answer = await app.call('GET', '/api/v1/users/me', { bearer: token.token })
      expect(answer.status).toBe(200)
      await until(async () => app.lines.length === 2)
    })
    expect(app.lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'error', event: 'audit rows lost' },
      { level: 'warn', event: 'counts since the start', lost_audit_rows: 1 },
    ])
  } finally {
    await app.close()
  }
})

test('with AUDIT_REQUIRED=false no answer waits for its row, which is written all the same', async () => {
  const { app, token } = await prepared(false)
  const [locked, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const holder = app.sql.begin(async (sql) => {
    await sql`lock table audit_log in exclusive mode`
    locked.resolve()
    await release.promise
  })
  try {
    await locked.promise
    const call = { bearer: token.token }
    expect((await app.call('GET', '/api/v1/users/me', call)).status).toBe(200)
    expect(await app.auditOf(token.id)).toHaveLength(0)
    release.resolve()
    await holder
    await until(async () => (await app.auditOf(token.id)).length === 1)
  } finally {
    release.resolve()
    await app.close()
  }
})
