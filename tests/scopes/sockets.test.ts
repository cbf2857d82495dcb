import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, type Token, testApp } from '../kit/app.ts'
import { listen } from '../kit/raw-http.ts'

let app: TestApp
let server: ReturnType<typeof listen>
let token: Token
let other: Token

beforeAll(async () => {
  app = await testApp()
  server = listen(app)
  const user = await app.user()
  token = await app.token(user, ['users:read'])
  other = await app.token(user, ['users:write'])
})
afterAll(async () => {
  server.close()
  await app.close()
})

const bearer = (value: string) => `Authorization: Bearer ${value}`
const ME = 'GET /api/v1/users/me'

test('one Authorization header on a socket is accepted', async () => {
  expect((await server.send(ME, [bearer(token.token)])).status).toBe(200)
})

test('a good token beside a header of nine kilobytes is accepted', async () => {
  const padding = `X-Padding: ${'x'.repeat(9000)}`
  expect((await server.send(ME, [padding, bearer(token.token)])).status).toBe(200)
})

const refused: [string, () => string[]][] = [
  ['the same header twice', () => [bearer(token.token), bearer(token.token)]],
  ['two different tokens', () => [bearer(token.token), bearer(other.token)]],
  ['a token and then Basic', () => [bearer(token.token), 'Authorization: Basic eDp5']],
  ['Basic and then a token', () => ['Authorization: Basic eDp5', bearer(token.token)]],
  ['an empty header and then a token', () => ['Authorization:', bearer(token.token)]],
  ['a token and then an empty header', () => [bearer(token.token), 'Authorization:']],
  ['two spellings of the name', () => [bearer(token.token), `aUTHORIZATION: Bearer x`]],
  ['a header of nine kilobytes', () => [bearer('x'.repeat(9000))]],
  ['a header over the limit of the server', () => [bearer('x'.repeat(40_000))]],
  ['a header that is folded', () => ['Authorization: Bearer', ` ${token.token}`]],
  ['a space before the colon', () => [`Authorization : Bearer ${token.token}`]],
  ['a tab for the space', () => [`Authorization: Bearer\t${token.token}`]],
  ['a byte outside of ASCII', () => [bearer(`${token.token}\xe9`)]],
]

test.each(refused)('security 2: %s is refused on a socket', async (_, headers) => {
  const { status, text } = await server.send(ME, headers())
  expect([400, 401, 431]).toContain(status)
  expect(text).not.toContain('"success":true')
  expect(text).not.toContain(token.token)
})

test('an upload without a credential is refused while its body has yet to come', async () => {
  const { socket, answer } = await server.open((got) => got.includes('\r\n\r\n'))
  socket.write(
    'POST /api/v1/fcs/upload HTTP/1.1\r\nHost: test.local\r\nContent-Length: 50000000\r\n\r\n',
  )
  expect(await answer).toStartWith('HTTP/1.1 401 ')
  socket.terminate()
})
