import { refuse, refuseField } from './errors.ts'
import { contentType, readBody } from './read-body.ts'

const MAX_JSON_BYTES = 1024 * 1024
const MAX_JSON_LEVELS = 32

/**
 * How a route reads a JSON body: `parse: jsonBody`. The second entry only tells the OpenAPI document the
 * content type. No body at all is null, which a schema then accepts or refuses.
 */
export const jsonBody = [
  async ({ request }: { request: Request }): Promise<unknown> => {
    const bytes = await readBody(request, MAX_JSON_BYTES)
    if (bytes.length === 0) return null
    if (contentType(request) !== 'application/json') {
      throw refuse('unsupported_media_type', 'The body must be application/json')
    }
    const value = parse(bytes)
    refuseOdd(value)
    return value
  },
  'json' as const,
]

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw refuse('bad_request', 'The body is not valid JSON')
  }
}

/**
 * Refuses what is valid JSON and still wrong for every route. Elysia prints a body that breaks its schema,
 * indented: for ten thousand levels that takes it seconds. `__proto__` and numbers that JavaScript holds as
 * Infinity would be dropped without a word.
 */
function refuseOdd(value: unknown, level = 1): void {
  if (value === Infinity || value === -Infinity) throw refuseField('body', 'numbers below 1.8e308')
  if (typeof value !== 'object' || value === null) return
  if (level > MAX_JSON_LEVELS) throw refuseField('body', `at most ${MAX_JSON_LEVELS} levels deep`)
  if (Object.hasOwn(value, '__proto__')) throw refuseField('body', 'no field named __proto__')
  for (const inner of Object.values(value)) refuseOdd(inner, level + 1)
}
