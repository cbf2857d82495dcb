import { z } from 'zod'
import { isGuarded } from './document.ts'
import { isJson, type Sent } from './world.ts'

/** What is wrong with an answer: with its status, its form, with whom it was given to, or with what it tells. */
export function faultsOf(sent: Sent): string[] {
  const { plan, answer } = sent
  const faults = answer.status >= 500 ? [`a ${answer.status}`] : []
  faults.push(...common(sent))
  if (plan.method === 'OPTIONS') return [...faults, ...answersWith(sent, [200, 204])]
  if (plan.method !== 'HEAD' && plan.method !== plan.operation.method) {
    return [...faults, ...answersWith(sent, [405])]
  }
  return [...faults, ...documented(sent), ...admitted(sent), ...told(sent)]
}

function common({ answer: { headers } }: Sent): string[] {
  return [
    ...(headers.get('x-request-id') ? [] : ['no X-Request-Id']),
    ...(headers.get('x-content-type-options') === 'nosniff' ? [] : ['no nosniff']),
    ...(headers.has('x-evil') ? ['a header was injected'] : []),
  ]
}

/** For a method that the path has not: what is answered instead, with what it has. */
function answersWith({ plan, answer }: Sent, statuses: number[]): string[] {
  const allow = (answer.headers.get('allow') ?? '').split(', ')
  const missing = plan.operation.methods.filter((method) => !allow.includes(method))
  return [
    ...(statuses.includes(answer.status) ? [] : [`${answer.status} in place of ${statuses}`]),
    ...(missing.length > 0 ? [`Allow lacks ${missing}`] : []),
  ]
}

const validators = new WeakMap<object, z.ZodType>()

/** Status, content type and body are what the document says. */
function documented({ plan, answer }: Sent): string[] {
  const described = plan.operation.responses[answer.status]
  if (!described) return [`${answer.status} is not documented`]
  // The server leaves its body out.
  if (plan.method === 'HEAD') return []
  const { content = {} } = described
  if (Object.keys(content).length === 0) {
    return answer.text === '' ? [] : [`${answer.status} has a body that is undocumented`]
  }
  const type = answer.headers.get('content-type')?.split(';')[0] ?? 'none'
  const schema = content[type]?.schema
  if (!content[type]) return [`${answer.status} as ${type} is not documented`]
  if (!schema || !isJson(answer)) return []
  const known = validators.get(schema) ?? z.fromJSONSchema(schema, { defaultTarget: 'openapi-3.0' })
  validators.set(schema, known)
  const { error } = known.safeParse(answer.body)
  return (error?.issues ?? []).map(({ path, message }) => `body ${path.join('.')}: ${message}`)
}

/** Who has to be refused is, and nobody else. */
function admitted({ plan: { operation, credential, path }, answer }: Sent): string[] {
  const { status, headers } = answer
  const challenge = headers.get('www-authenticate') ?? ''
  if (!isGuarded(operation)) return []
  if (credential === 'right') {
    return [
      ...(/invalid_token|insufficient_scope/.test(challenge) ? [`refused as ${challenge}`] : []),
      ...(path.includes('@foreign:') && status < 400 ? ["somebody else's thing"] : []),
    ]
  }
  const expected = credential === 'weak' ? 403 : 401
  if (status !== expected)
    return [`${status} in place of ${expected} with a credential that is ${credential}`]
  if (credential === 'none')
    return challenge.includes('error=') ? ['an error without a credential'] : []
  const error = credential === 'weak' ? 'insufficient_scope' : 'invalid_token'
  return challenge.includes(`error="${error}"`) ? [] : [`${status} without ${error}: ${challenge}`]
}

// What a database, a runtime or a parser says of its own failures.
const INSIDE =
  /postgres|relation \\?"|syntax error|\bselect .* from\b|node_modules|\/src\/|\bat \w+ \(|JSON Parse|ZodError|TypeError|undefined is not/i

/** A refusal repeats nothing that was sent, and tells nothing of the inside. */
function told({ plan, bearer, answer: { status, text } }: Sent): string[] {
  if (status < 400) return []
  const inside = INSIDE.exec(text)
  return [
    ...(inside ? [`tells of the inside: ${inside[0]}`] : []),
    ...(bearer && bearer.length > 20 && text.includes(bearer) ? ['repeats the credential'] : []),
    ...(sentTexts(plan.body).some((value) => text.includes(value)) ? ['repeats a value'] : []),
  ]
}

/** The values in a JSON body that nobody would come to write by himself. */
function sentTexts(body: unknown): string[] {
  if (typeof body !== 'string') return []
  try {
    return Object.values(JSON.parse(body)).filter(
      (value) => typeof value === 'string' && /^(?=.*[^a-z:_ -]).{12,}$/su.test(value),
    ) as string[]
  } catch {
    return []
  }
}
