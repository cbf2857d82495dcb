// The example of docs/gateways.md, in the nginx of Debian's package.
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { served } from '../http/serve.ts'
import { client } from '../kit/client.ts'
import { NGINX, type Nginx, startNginx } from '../kit/nginx.ts'

const why = NGINX ? '' : ' (skipped: nginx is not installed)'
const guarded = test.skipIf(!NGINX)

type Seen = { method: string; url: string; body: string; headers: Record<string, string> }
const seen: Seen[] = []
const lab = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    const { pathname, search } = new URL(request.url)
    const { method, headers } = request
    const body = await request.text()
    seen.push({ method, url: pathname + search, body, headers: Object.fromEntries(headers) })
    return new Response('cells')
  },
})

let app: Awaited<ReturnType<typeof served>>
let folder: string
let nginx: Nginx
let call: ReturnType<typeof client>

beforeAll(async () => {
  if (!NGINX) return
  app = await served({ trustedProxies: ['127.0.0.1'] })
  folder = await mkdtemp(join(tmpdir(), 'pat-nginx-'))
  const docs = await Bun.file(join(import.meta.dir, '../../docs/gateways.md')).text()
  const example = /```nginx\n([\s\S]+?)```/.exec(docs)?.[1] ?? ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/${kind};`,
  )
  nginx = await startNginx(folder, async (port) => {
    const site = example
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replaceAll('127.0.0.1:8000', `127.0.0.1:${app.port}`)
      .replaceAll('127.0.0.1:9000', `127.0.0.1:${lab.port}`)
    return `master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events {} http { access_log off; ${temporary.join(' ')}\n${site} }`
  })
  call = client(nginx.url)
})
afterAll(async () => {
  await lab.stop(true)
  if (!NGINX) return
  await nginx.stop()
  await app.close()
  await rm(folder, { recursive: true })
})

guarded(`nginx lets a token through that may, and says who calls${why}`, async () => {
  const user = await app.user()
  const { id, token } = await app.token(user, ['fcs:write'])
  seen.length = 0
  const answer = await call('POST', '/runs/7?force=1', {
    bearer: token,
    body: 'a body',
    headers: {
      'content-type': 'text/plain',
      'x-auth-user': 'somebody else',
      'x-original-uri': '/harmless',
      'x-forwarded-uri': '/harmless',
      'x-forwarded-method': 'GET',
      'x-forwarded-for': '192.0.2.1',
      'x-required-scope': 'users:read',
    },
  })
  expect([answer.status, answer.text]).toEqual([200, 'cells'])
  expect(seen).toMatchObject([
    {
      method: 'POST',
      url: '/runs/7?force=1',
      body: 'a body',
      headers: {
        'x-auth-user': user.username,
        'x-auth-user-id': user.id,
        'x-auth-token-id': id,
        'x-auth-scopes': 'fcs:write',
      },
    },
  ])
  expect(seen[0]?.headers.authorization).toBeUndefined()
  expect(await app.auditOf(id)).toMatchObject([
    {
      method: 'POST',
      endpoint: '/api/v1/auth/verify/runs/7',
      status_code: 200,
      authorized: true,
      ip: '127.0.0.1',
    },
  ])
})

guarded(`nginx passes refusals on, and the lab’s service is not asked${why}`, async () => {
  const user = await app.user()
  const { id, token } = await app.token(user, ['fcs:read'])
  expect((await call('GET', '/runs/7', { bearer: token })).status).toBe(200)
  seen.length = 0
  expect((await call('DELETE', '/runs/7', { bearer: token })).status).toBe(403)
  const none = await call('GET', '/runs/7')
  expect([none.status, none.headers.get('www-authenticate')]).toEqual([
    401,
    expect.stringMatching(/^Bearer realm="[^"]+"$/),
  ])
  await app.call('DELETE', `/api/v1/tokens/${id}`, { bearer: user.jwt })
  const revoked = await call('GET', '/runs/7', { bearer: token })
  expect(revoked.status).toBe(401)
  expect(revoked.headers.get('www-authenticate')).toContain('Token revoked')
  expect(seen).toEqual([])
  expect((await app.auditOf(id)).map(({ method, status_code }) => [method, status_code])).toEqual([
    ['GET', 200],
    ['DELETE', 403],
    ['GET', 401],
  ])
})
