import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SECRET_KEY, type TestApp, testApp } from '../kit/app.ts'
import { writeFcs } from '../kit/fcs-writer.ts'
import { listen } from '../kit/raw-http.ts'

let app: TestApp
let answers: string[]
const secrets = new Map<string, string>()

/** Uses every kind of secret in every way there is, right and wrong, with a failure of the service among them. */
beforeAll(async () => {
  app = await testApp()
  const user = await app.user()
  const { id, token } = await app.token(user, ['workspaces:admin', 'users:write', 'fcs:analyze'])
  const path = `/api/v1/tokens/${id}/regenerate`
  const json = { grace_seconds: 600 }
  const regenerated = await app.call('POST', path, { bearer: user.jwt, json })
  const next: string = regenerated.body.data.token
  for (const [name, secret] of Object.entries({
    token,
    next,
    jwt: user.jwt,
    password: user.password,
  })) {
    secrets.set(name, secret)
  }
  const seen: string[] = []
  const call = async (...args: Parameters<TestApp['call']>) => {
    const { text, headers } = await app.call(...args)
    seen.push(`${JSON.stringify([...headers])}${text}`)
  }
  const broken = async (table: string, work: () => Promise<void>) => {
    await app.sql`alter table ${app.sql(table)} rename to gone`
    await work()
    await app.sql`alter table gone rename to ${app.sql(table)}`
  }

  for (const secret of [token, next, user.jwt]) {
    const authorizations = [
      `Bearer ${secret}`,
      `Basic ${secret}`,
      `Bearer ${secret}, Bearer ${secret}`,
    ]
    for (const authorization of authorizations) {
      const headers = { authorization, 'x-request-id': secret, 'x-forwarded-for': secret }
      for (const path of [
        '/api/v1/users/me',
        '/api/v1/tokens',
        `/nothing`,
        `/api/v1/tokens/${id}/logs`,
      ]) {
        await call('GET', path, { headers })
        await call('GET', `${path}?access_token=${secret}`, { headers })
      }
      await call('GET', '/api/v1/fcs/files/x', { headers: { authorization: `Bearer ${next}` } })
      await call('POST', '/api/v1/auth/login', {
        headers,
        json: { username: secret, password: secret },
      })
      const passwords = { current_password: secret, new_password: `${secret} ${secret}` }
      await call('POST', '/api/v1/auth/password', { headers, json: passwords })
      await call('POST', '/api/v1/auth/deactivate', { headers, json: { password: secret } })
      await call('POST', '/api/v1/workspaces', { headers, json: { nonsense: secret } })
      await call('PUT', '/api/v1/users/me', { headers, json: { email: secret } })
      await broken('workspaces', () => call('GET', '/api/v1/workspaces', { headers }))
      await broken('audit_log', () => call('GET', '/api/v1/users/me', { headers }))
      await broken('token_secrets', () => call('GET', '/api/v1/users/me', { headers }))
    }
    await call('GET', `/nothing/${next}/${token}`, { bearer: next })
    await call('DELETE', `/api/v1/workspaces/${next}`, { bearer: next })
  }
  const file = writeFcs({ parameters: [{ name: 'A' }], columns: [[1, 2]] })
  const headers = { 'content-type': 'application/octet-stream' }
  await call('POST', '/api/v1/fcs/upload?filename=a.fcs', {
    bearer: next,
    headers,
    body: file.slice(),
  })
  await call('POST', '/api/v1/fcs/upload?filename=a.fcs', { bearer: next, headers, body: next })

  const server = listen(app)
  const { socket } = await server.open()
  socket.write(
    `POST /api/v1/fcs/upload?filename=a.fcs HTTP/1.1\r\nHost: test.local\r\nAuthorization: Bearer ${next}\r\n` +
      'Content-Type: application/octet-stream\r\nContent-Length: 100000\r\n\r\nFCS3.1    ',
  )
  await server.first
  socket.terminate()
  await Promise.all(server.handled)
  server.close()

  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const uri = { 'x-original-uri': `/${next}?token=${next}`, 'x-required-scope': next }
  await call('GET', '/api/v1/auth/verify', { bearer: next, headers: uri })
  await call('GET', `/api/v1/auth/verify/${token}`, { bearer: next, headers: uri })
  await call('GET', `/api/v1/tokens/self/can?scope=${user.jwt}`, { bearer: next })
  // The last of these end the tokens.
  for (const secret of [user.password, user.jwt, token, next]) {
    const body = `token=${encodeURIComponent(secret)}`
    const json = { credentials: [secret] }
    const asked = { bearer: next, headers: form, body }
    await call('POST', '/oauth/introspect', asked)
    await broken('users', () => call('POST', '/oauth/introspect', asked))
    for (const path of ['/oauth/revoke', '/api/v1/credentials/revoke']) {
      const given = path === '/oauth/revoke' ? { headers: form, body } : { json }
      await broken('token_secrets', () => call('POST', path, given))
    }
    await call('POST', '/oauth/revoke', { headers: form, body: `${body}&${body}` })
    await call('POST', '/api/v1/credentials/revoke', { json })
    await call('POST', '/oauth/revoke', { headers: form, body })
  }
  answers = seen
}, 20_000)
afterAll(() => app.close())

/** What must not be found: the whole, and anything beyond the prefix by which people know it. */
function found(text: string): string[] {
  return [...secrets].filter(([, secret]) => holds(text, secret)).map(([name]) => name)
}

function holds(text: string, secret: string): boolean {
  const forms = [secret, Buffer.from(secret).toString('hex'), btoa(secret).slice(0, -4)]
  // A JWT begins like all others; its signature is the part that is secret.
  const part = secret.startsWith('eyJ') ? secret.slice(-40) : secret.slice(0, 13)
  return [...forms, part].some((form) => text.includes(form))
}

test('the search finds what it looks for', () => {
  expect([...secrets.keys()]).toEqual(['token', 'next', 'jwt', 'password'])
  for (const [name, secret] of secrets) expect(found(`x${secret}x`)).toEqual([name])
})

test('security 6: no table holds an issued secret', async () => {
  const tables = await app.sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'`
  expect(tables.length).toBeGreaterThanOrEqual(6)
  for (const { name } of tables) {
    const rows = await app.sql<{ text: string }[]>`select t::text as text from ${app.sql(name)} t`
    expect([name, found(rows.map(({ text }) => text).join('\n'))]).toEqual([name, []])
  }
  const [log] = await app.sql`select count(*)::int as rows from audit_log`
  expect(log?.rows).toBeGreaterThan(50)
})

test('security 6: no line of the log holds an issued secret, at its most verbose, through failures', () => {
  expect(app.lines.length).toBeGreaterThan(5)
  expect(found(app.lines.join(''))).toEqual([])
  expect(app.lines.join('')).not.toContain(SECRET_KEY)
})

test('security 6: no file holds an issued secret', async () => {
  const files = await readdir(app.folder, { recursive: true })
  expect(files.length).toBeGreaterThan(0)
  for (const file of files) {
    expect([file, found(await readFile(join(app.folder, file), 'latin1'))]).toEqual([file, []])
  }
})

test('security 6: no answer repeats a secret that was sent', () => {
  expect(answers.length).toBeGreaterThan(50)
  expect(answers.flatMap(found)).toEqual([])
})
