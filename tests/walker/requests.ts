import fc, { type Arbitrary } from 'fast-check'
import { isGuarded, kindsOf, type Operation, type Parameter, type Schema } from './document.ts'
import { fcsFile, foreign, hostileJson, hostileText, nearly, own, valid } from './values.ts'

/** Who calls. All but `right` are to be refused by an operation that is guarded. */
export type Credential =
  | 'right'
  | 'none'
  | 'garbage'
  | 'changed'
  | 'other kind'
  | 'revoked'
  | 'expired'
  | 'weak'

/** A request as it is drawn: ids stand in it as `@own:tokens:3@`, for they are known only while walking. */
export type Plan = {
  operation: Operation
  method: string
  path: string
  credential: Credential
  headers: Record<string, string>
  body: string | Uint8Array<ArrayBuffer> | null
}

/** The ways in which an operation has to refuse its caller. */
export function refusedBy(operation: Operation): Credential[] {
  if (!isGuarded(operation)) return []
  const always: Credential[] = ['none', 'garbage', 'changed', 'other kind']
  if (!kindsOf(operation).includes('personalAccessToken')) return always
  return [...always, 'revoked', 'expired', ...weak(operation)]
}

const weak = (operation: Operation): Credential[] =>
  operation['x-required-scope'] === undefined ? [] : ['weak']

/** How well the request keeps to the document. */
type Manner = 'valid' | 'near' | 'hostile'

/** Any request to the operation: valid, nearly so or hostile, by anybody. */
export function requestTo(operation: Operation): Arbitrary<Plan> {
  const refused = refusedBy(operation)
  const credential: Arbitrary<Credential> = fc.oneof(
    { weight: 4, arbitrary: fc.constant<Credential>('right') },
    ...(refused.length > 0 ? [{ weight: 1, arbitrary: fc.constantFrom(...refused) }] : []),
  )
  return credential.chain((credential) => requestBy(operation, credential))
}

/** Any request to the operation with this credential. */
export function requestBy(operation: Operation, credential: Credential): Arbitrary<Plan> {
  const manner = fc.constantFrom<Manner>('valid', 'valid', 'near', 'hostile')
  return manner.chain((manner) =>
    fc
      .record({
        method: methodFor(operation),
        path: pathTo(operation, manner),
        headers: headersFor(operation, manner),
        body: bodyFor(operation, manner),
      })
      .chain(({ method, path, headers, body }) =>
        queryFor(operation, manner).chain((query) =>
          acceptOf(operation).map((accept) => ({
            operation,
            method,
            credential,
            path: query === '' ? path : `${path}?${query}`,
            headers: { ...headers, ...accept, ...body?.headers },
            body: withoutBody.has(method) ? null : (body?.body ?? null),
          })),
        ),
      ),
  )
}

const withoutBody = new Set(['GET', 'HEAD'])
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

function methodFor({ method, methods }: Operation): Arbitrary<string> {
  const wrong = METHODS.filter((other) => !methods.includes(other))
  return fc.oneof(
    { weight: 30, arbitrary: fc.constant(method) },
    { weight: method === 'GET' ? 3 : 0, arbitrary: fc.constant('HEAD') },
    { weight: 1, arbitrary: fc.constant('OPTIONS') },
    { weight: 1, arbitrary: fc.constantFrom(...wrong) },
  )
}

// None of them is a path of another length, or one that a URL parser shortens.
const BAD_IDS = [
  ...['not-an-id', '0', '%00', '%ff', '%zz', '__proto__', '%E2%80%AE', '%2f', "'or'1'='1", '@'],
  ...['a'.repeat(3000), '00000000-0000-0000-0000-000000000001', '%F0%9F%A7%AC', '.x', 'null'],
]

function pathTo({ path }: Operation, manner: Manner): Arbitrary<string> {
  const segments = path.split('/').map((segment, at, all) => {
    if (!segment.startsWith('{')) return fc.constant(segment)
    const kind = all[at - 1] ?? ''
    const mine = { weight: manner === 'valid' ? 9 : 3, arbitrary: own(kind) }
    const bad = { weight: manner === 'hostile' ? 6 : 1, arbitrary: fc.constantFrom(...BAD_IDS) }
    return fc.oneof(mine, bad, foreign(kind), fc.uuid())
  })
  return fc.tuple(...segments).map((parts) => parts.join('/'))
}

function queryFor({ parameters = [] }: Operation, manner: Manner): Arbitrary<string> {
  const fields = parameters
    .filter((parameter) => parameter.in === 'query')
    .map((parameter) => fieldOf(parameter, manner))
  const beside =
    manner === 'hostile'
      ? fc.constantFrom('', '', '%ff=%zz', '__proto__=1', 'a[b]=1&&')
      : fc.constant('')
  return fc
    .tuple(fc.tuple(...fields), beside)
    .map(([fields, beside]) => [...fields, beside].filter((field) => field !== '').join('&'))
}

function fieldOf({ name, required = false, schema }: Parameter, manner: Manner): Arbitrary<string> {
  const good = valid(schema, name).map(String)
  const value =
    manner === 'valid'
      ? good
      : fc.oneof({ weight: manner === 'near' ? 4 : 1, arbitrary: good }, hostileText)
  const given = value.map((value) => `${name}=${encoded(value)}`)
  // A lone half of a pair has no place in a URL, and ids are put in later.
  const missing = {
    weight: required ? (manner === 'valid' ? 0 : 1) : 20,
    arbitrary: fc.constant(''),
  }
  return fc.oneof({ weight: 10, arbitrary: given }, missing)
}

const encoded = (value: string) =>
  value.startsWith('@') && value.endsWith('@') ? value : encodeURIComponent(value.toWellFormed())

/** The headers that the operation asks for, where the request is to be valid, and some of anybody's. */
function headersFor({ parameters = [] }: Operation, manner: Manner) {
  const own = parameters
    .filter((parameter) => parameter.in === 'header')
    .map(({ name, schema }) =>
      fc.option(
        valid(schema, name).map((value) => [name, String(value)] as const),
        { nil: null, freq: manner === 'valid' ? 1000 : 5 },
      ),
    )
  return fc
    .tuple(fc.tuple(...own), headers)
    .map(([own, headers]) => ({ ...headers, ...Object.fromEntries(own.filter((one) => !!one)) }))
}

const headers: Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constantFrom<Record<string, string>>(
    { range: 'bytes=0-9' },
    { range: 'bytes=9-1,x' },
    { range: 'bytes=999999999-' },
    { 'if-none-match': '*' },
    { 'if-none-match': '"x", W/"y"' },
    { 'x-request-id': 'walker-request-1' },
    { 'x-request-id': '<script>' },
    { 'x-forwarded-for': '10.9.8.7, not an address' },
    { cookie: '%%%=%ff; __proto__=1' },
    { origin: 'https://evil.example' },
    { 'x-padding': 'x'.repeat(8000) },
    { 'content-encoding': 'gzip' },
  ),
)

/** Any media type that the operation answers with, and some that it does not. */
function acceptOf({ responses }: Operation): Arbitrary<Record<string, string>> {
  const answered = Object.values(responses).flatMap(({ content = {} }) => Object.keys(content))
  const types = [...new Set(answered), '*/*', 'text/*;q=0.5', 'image/png', 'x'.repeat(2000), ',;=']
  return fc.option(
    fc.constantFrom(...types).map((accept) => ({ accept })),
    { nil: {}, freq: 2 },
  )
}

type Body = { headers: Record<string, string>; body: string | Uint8Array<ArrayBuffer> }

function bodyFor({ requestBody }: Operation, manner: Manner): Arbitrary<Body | null> {
  if (!requestBody) return fc.constant(null)
  const bodies = Object.entries(requestBody.content).map(([type, { schema = {} }]) =>
    bodyOf(type, schema, manner),
  )
  const body = fc.oneof(...bodies)
  if (manner === 'valid') return requestBody.required ? body : fc.option(body, { freq: 4 })
  const mistyped = fc
    .tuple(body, fc.constantFrom('text/plain', 'application/json', 'multipart/form-data', 'x/y'))
    .map(([{ body }, type]) => ({ headers: { 'content-type': type }, body }))
  return fc.oneof({ weight: 8, arbitrary: body }, mistyped, fc.constant(null))
}

function bodyOf(type: string, schema: Schema, manner: Manner): Arbitrary<Body> {
  const headers = { 'content-type': type }
  if (type === 'multipart/form-data') return form(schema)
  if (schema.format === 'binary') return fcsFile.map((body) => ({ headers, body }))
  const value = manner === 'valid' ? valid(schema) : nearly(schema)
  if (type === 'application/x-www-form-urlencoded') {
    return value.map((value) => ({ headers, body: urlencoded(value) }))
  }
  const json = value.map((value) => JSON.stringify(value))
  const text = manner === 'hostile' ? fc.oneof(json, hostileJson) : json
  return text.map((body) => ({ headers, body }))
}

const urlencoded = (value: unknown) =>
  new URLSearchParams(
    Object.entries(value ?? {}).map(([name, value]): [string, string] => [
      name,
      // Not every object has a text of its own: `String` throws at one without a prototype.
      (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed(),
    ]),
  ).toString()

/** A form with one file, or one that breaks off. */
function form({ properties = {} }: Schema): Arbitrary<Body> {
  const [name = 'file'] = Object.keys(properties)
  const headers = { 'content-type': 'multipart/form-data; boundary=XX' }
  const filename = fc.constantFrom('a.fcs', '../../x.fcs', '', 'naïve 🧬.fcs', 'a"b.fcs', '..')
  return fc.tuple(fcsFile, filename, fc.nat(9)).map(([file, filename, cut]) => {
    const disposition = `Content-Disposition: form-data; name="${name}"; filename="${filename.replaceAll('"', '\\"')}"`
    const whole = Buffer.concat([
      Buffer.from(`--XX\r\n${disposition}\r\n\r\n`),
      file,
      Buffer.from('\r\n--XX--\r\n'),
    ])
    return { headers, body: new Uint8Array(cut === 0 ? whole.subarray(0, -4) : whole) }
  })
}
