import { fcsBytes, RAW, UPLOAD } from '../files/kit.ts'
import type { Answer, TestApp, User } from '../kit/app.ts'
import { SCOPES } from '../scopes/pat-routes.ts'
import { pieces } from '../uploads/kit.ts'
import { kindsOf, type Operation } from './document.ts'
import type { Credential, Plan } from './requests.ts'

export type Sent = { plan: Plan; path: string; bearer: string | undefined; answer: Answer }

/** Somebody with one thing of each kind, and somebody else, and what the first presents. */
export async function createWorld(api: TestApp) {
  /** The ids of one's own things by the list that they stand in. What was deleted leaves with the next list. */
  const own = new Map<string, string[]>()
  const owner = await api.user()
  const stranger = await api.user()
  const foreign = await thingsOf(stranger)
  let right = await credentialsOf(owner)
  const { revoked, expired } = await ended(owner)
  const weaker = new Map<string, string>()
  /** From many addresses: wrong passwords from one alone are soon throttled, those of right logins with them. */
  let requests = 0

  async function thingsOf(user: User): Promise<Record<string, string>> {
    const { id: tokens, token: bearer } = await api.token(user, [...SCOPES])
    const workspace = await api.call('POST', '/api/v1/workspaces', { bearer, json: { name: 'a' } })
    const body = { bearer, body: fcsBytes(), headers: RAW }
    const file = await api.call('POST', `${UPLOAD}?filename=a.fcs`, body)
    const workspaces = workspace.body.data.workspace.id
    const upload = await pieces(api, bearer).begun(fcsBytes().length)
    return {
      tokens,
      workspaces,
      files: file.body.data.file_id,
      uploads: upload.split('/').pop() ?? '',
    }
  }

  async function credentialsOf(user: User) {
    const { id, token } = await api.token(user, [...SCOPES])
    for (const [kind, thing] of Object.entries(await thingsOf(user))) own.set(kind, [thing])
    return { user, tokenId: id, session: user.jwt, personalAccessToken: token }
  }

  async function ended(user: User) {
    const [gone, old] = [await api.token(user, [...SCOPES]), await api.token(user, [...SCOPES])]
    await api.call('DELETE', `/api/v1/tokens/${gone.id}`, { bearer: user.jwt })
    await api.sql`update token_secrets set expires_at = now() where token_id = ${old.id}`
    await api.settled()
    return { revoked: gone.token, expired: old.token }
  }

  /** A token with every scope that does not grant this one. */
  async function weakerThan(scope: string): Promise<string> {
    const known = weaker.get(scope)
    if (known) return known
    const of = (scope: string) => scope.split(':')[0]
    const held = SCOPES.filter((other) => of(other) !== of(scope) || isBelow(other, scope))
    const { token } = await api.token(stranger, held)
    weaker.set(scope, token)
    return token
  }

  async function bearerFor(operation: Operation, credential: Credential) {
    const kinds = kindsOf(operation)
    const [mine, other] = kinds.includes('session')
      ? [right.session, right.personalAccessToken]
      : [right.personalAccessToken, right.session]
    switch (credential) {
      case 'right':
        return kinds.length > 0 ? mine : undefined
      case 'none':
        return undefined
      case 'garbage':
        return 'garbage'
      case 'changed':
        return `${mine.slice(0, 20)}${mine[20] === 'A' ? 'B' : 'A'}${mine.slice(21)}`
      case 'other kind':
        return other
      case 'revoked':
        return revoked
      case 'expired':
        return expired
      case 'weak':
        return weakerThan(operation['x-required-scope'] ?? '')
    }
  }

  const withIds = (text: string) =>
    text
      .replace(/@foreign:(\w+)@/g, (_, kind) => foreign[kind] ?? crypto.randomUUID())
      .replace(/@own:(\w+):(\d+)@/g, (_, kind, at) => {
        const ids = own.get(kind) ?? []
        return ids[Number(at) % ids.length] ?? crypto.randomUUID()
      })

  /** Takes the ids of own things from every list in an answer, but for those that the walk itself needs. */
  const learn = (value: unknown, kind = ''): void => {
    if (Array.isArray(value)) {
      const ids = value.flatMap((thing) => (typeof thing?.id === 'string' ? [thing.id] : []))
      const free = ids.filter((id) => id !== right.tokenId)
      if (own.has(kind) && free.length > 0) own.set(kind, free)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) learn(inner, name)
    }
  }

  const attempt = async (plan: Plan): Promise<Sent> => {
    const bearer = await bearerFor(plan.operation, plan.credential)
    const path = withIds(plan.path)
    const body = typeof plan.body === 'string' ? withIds(plan.body) : plan.body
    const answer = await api.call(plan.method, path, {
      headers: plan.headers,
      from: `192.0.2.${++requests % 250}`,
      ...(bearer !== undefined && { bearer }),
      ...(body !== null && { body }),
    })
    return { plan, path, bearer, answer }
  }

  return {
    /** Sends a request, and again by somebody new when the walk itself has ended what the first presented. */
    async send(plan: Plan): Promise<Sent> {
      let sent = await attempt(plan)
      if (plan.credential === 'right' && sent.bearer && sent.answer.status === 401) {
        right = await credentialsOf(await api.user())
        sent = await attempt(plan)
      }
      if (plan.credential === 'right' && sent.answer.status === 200 && isJson(sent.answer)) {
        learn(sent.answer.body)
      }
      return sent
    },
  }
}

/** Lowest first within a resource. */
const LADDERS: readonly string[] = SCOPES
const isBelow = (scope: string, other: string) => LADDERS.indexOf(scope) < LADDERS.indexOf(other)

export const isJson = ({ headers, text }: Answer) =>
  text !== '' && /^application\/([\w.-]+\+)?json\b/.test(headers.get('content-type') ?? '')
