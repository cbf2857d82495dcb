// The main job over HTTP, from register to revoked, with its refusals: what every runtime has to answer alike.
import { join } from 'node:path'
import { type Call, type Client, client } from './client.ts'

const sample = Bun.file(join(import.meta.dir, '../../data/sample.fcs'))
const EVERYTHING = ['workspaces:admin', 'users:write', 'fcs:read', 'fcs:write', 'fcs:analyze']
const account = {
  username: 'worker',
  email: 'worker@example.org',
  password: 'long enough a secret',
}

type State = { jwt: string; tokenId: string; token: string; reader: string; file: string }
type Step = [
  name: string,
  method: string,
  path: string | ((state: State) => string),
  call?: (state: State) => Call | Promise<Call>,
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it reads, whatever it is.
  keep?: (state: State, data: any) => void,
]

const API = '/api/v1'
const session = ({ jwt }: State) => ({ bearer: jwt })
const pat = ({ token }: State) => ({ bearer: token })
const json = (json: unknown, who: (state: State) => Call = () => ({})) => {
  return (state: State) => ({ ...who(state), json })
}
const multipart = async (state: State) => {
  const body = new FormData()
  body.append('file', new File([await sample.bytes()], 'cells.fcs'))
  return { ...pat(state), body }
}
const raw = (bytes: () => Promise<Uint8Array<ArrayBuffer>>, type = 'application/octet-stream') => {
  return async (state: State) => ({
    ...pat(state),
    body: await bytes(),
    headers: { 'content-type': type },
  })
}
const file = ({ file }: State) => `${API}/fcs/files/${file}`

const steps: Step[] = [
  ['index', 'GET', '/'],
  ['health', 'GET', '/health'],
  ['ready', 'GET', '/ready'],
  ['docs', 'GET', '/docs'],
  ['a script of the docs', 'GET', '/docs/assets/swagger-ui-bundle.js'],
  ['the OpenAPI document', 'GET', '/openapi.json'],
  ['register', 'POST', `${API}/auth/register`, json(account)],
  ['register again', 'POST', `${API}/auth/register`, json(account)],
  ['register nobody', 'POST', `${API}/auth/register`, json({ username: 'x', admin: true })],
  [
    'log in wrongly',
    'POST',
    `${API}/auth/login`,
    json({ ...account, email: undefined, password: '?' }),
  ],
  [
    'log in',
    'POST',
    `${API}/auth/login`,
    json({ username: account.username, password: account.password }),
    (state, data) => {
      state.jwt = data.access_token
    },
  ],
  [
    'create a token',
    'POST',
    `${API}/tokens`,
    json({ name: 'all', scopes: EVERYTHING, allowed_ips: ['127.0.0.0/8'] }, session),
    (state, data) => {
      state.token = data.token
      state.tokenId = data.id
    },
  ],
  [
    'create a reader',
    'POST',
    `${API}/tokens`,
    json({ name: 'reader', scopes: ['fcs:read'] }, session),
    (state, data) => {
      state.reader = data.token
    },
  ],
  ['list tokens', 'GET', `${API}/tokens`, session],
  ['a token on a session route', 'GET', `${API}/tokens`, pat],
  ['a session on a token route', 'GET', `${API}/users/me`, session],
  ['no credential', 'GET', `${API}/users/me`],
  ['malformed credential', 'GET', `${API}/users/me`, () => ({ bearer: 'pat_x' })],
  ['a token in the query', 'GET', ({ token }) => `${API}/users/me?access_token=${token}`],
  ['scope missing', 'DELETE', file, ({ reader }) => ({ bearer: reader })],
  ['users/me', 'GET', `${API}/users/me`, pat],
  ['users/me, HEAD', 'HEAD', `${API}/users/me`, pat],
  ['create a workspace', 'POST', `${API}/workspaces`, json({ name: 'panel' }, pat)],
  [
    'malformed JSON',
    'POST',
    `${API}/workspaces`,
    (state) => ({ ...pat(state), body: '{', headers: { 'content-type': 'application/json' } }),
  ],
  [
    'JSON of another type',
    'POST',
    `${API}/workspaces`,
    (state) => ({ ...pat(state), body: '{}', headers: { 'content-type': 'text/plain' } }),
  ],
  ['parameters of the sample', 'GET', `${API}/fcs/parameters`, pat],
  ['events of the sample', 'GET', `${API}/fcs/events?limit=3&parameters=FSC-A,Time`, pat],
  ['all events as CSV', 'GET', `${API}/fcs/events?format=csv&parameters=Time`, pat],
  ['events as NDJSON', 'GET', `${API}/fcs/events?format=ndjson&limit=3`, pat],
  ['all events as Arrow', 'GET', `${API}/fcs/events?format=arrow&parameters=Time`, pat],
  ['how events come as CSV', 'HEAD', `${API}/fcs/events?format=csv`, pat],
  ['an unknown parameter', 'GET', `${API}/fcs/events?parameters=nothing`, pat],
  ['upload multipart', 'POST', `${API}/fcs/upload`, multipart],
  [
    'upload raw',
    'POST',
    `${API}/fcs/upload?filename=raw.fcs`,
    raw(() => sample.bytes()),
    (state, data) => {
      state.file = data.file_id
    },
  ],
  [
    'upload half a file',
    'POST',
    `${API}/fcs/upload?filename=half.fcs`,
    raw(() => sample.slice(0, 1_000_000).bytes()),
  ],
  [
    'upload another type',
    'POST',
    `${API}/fcs/upload`,
    raw(async () => new Uint8Array(9), 'image/png'),
  ],
  ['list files', 'GET', `${API}/fcs/files`, pat],
  ['show a file', 'GET', file, pat],
  ['statistics of a file', 'GET', ({ file }) => `${API}/fcs/statistics?file_id=${file}`, pat],
  ['download', 'GET', (state) => `${file(state)}/download`, pat],
  ['download, HEAD', 'HEAD', (state) => `${file(state)}/download`, pat],
  [
    'download a range',
    'GET',
    (state) => `${file(state)}/download`,
    (state) => ({ ...pat(state), headers: { range: 'bytes=0-5' } }),
  ],
  [
    'download beyond',
    'GET',
    (state) => `${file(state)}/download`,
    (state) => ({ ...pat(state), headers: { range: 'bytes=99999999-' } }),
  ],
  ['delete a file', 'DELETE', file, pat],
  ['a file that is gone', 'GET', file, pat],
  ['unknown path', 'GET', '/api/v1/nothing', pat],
  ['wrong method', 'PATCH', `${API}/users/me`, pat],
  ['OPTIONS', 'OPTIONS', `${API}/users/me`],
  ['log of the token', 'GET', ({ tokenId }) => `${API}/tokens/${tokenId}/logs`, session],
  ['revoke', 'DELETE', ({ tokenId }) => `${API}/tokens/${tokenId}`, session],
  ['a revoked token', 'GET', `${API}/users/me`, pat],
  [
    'log after the revoke',
    'GET',
    ({ tokenId }) => `${API}/tokens/${tokenId}/logs?limit=1`,
    session,
  ],
]

export const stepNames = steps.map(([name]) => name)
export type Answers = Map<string, Awaited<ReturnType<Client>>>

/** Every step in order against a fresh service; its answers by the step's name. */
export async function mainJob(url: string): Promise<Answers> {
  const call = client(url)
  const state: State = { jwt: '', tokenId: '', token: '', reader: '', file: crypto.randomUUID() }
  const answers: Answers = new Map()
  for (const [name, method, path, options, keep] of steps) {
    const where = typeof path === 'string' ? path : path(state)
    const answer = await call(method, where, await options?.(state))
    answers.set(name, answer)
    keep?.(state, answer.body.data)
  }
  return answers
}
