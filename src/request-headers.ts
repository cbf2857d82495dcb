import { noted } from './plugins/noted.ts'

// An id goes into the log and the answer, and a token must go into neither.
const WELL_FORMED = /^(?!.*pat_[0-9A-Za-z]{36})[A-Za-z0-9._~+/=-]{8,128}$/

/** Ids that were asked for before their answer was made. */
const asked = noted<string>()

/** By what a request is found in the log. A caller's own X-Request-Id is kept, so that logs can be joined. */
export function requestId(request: Request): string {
  const known = asked.get(request)
  if (known !== undefined) return known
  const id = newId(request)
  asked.set(request, id)
  return id
}

function newId({ headers }: Request): string {
  const given = headers.get('x-request-id')
  return given !== null && WELL_FORMED.test(given) ? given : `${PROCESS}-${(made++).toString(36)}`
}

// Ids are told apart by them, and need not be hard to guess: a number behind what no other process has.
const PROCESS = crypto.randomUUID().replaceAll('-', '').slice(0, 16)
let made = 0

/** No cache keeps an answer to a credential, nothing is guessed of a type, and no link tells where it was. */
export const COMMON = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

const common = Object.entries(COMMON)

/** The headers that every answer has, where they are not there yet. */
export function commonHeaders(request: Request, headers: Headers): void {
  headers.set('x-request-id', asked.get(request) ?? newId(request))
  // What is made with these has all of them.
  if (headers.has('x-content-type-options')) return
  for (const [name, value] of common) if (!headers.has(name)) headers.set(name, value)
}
