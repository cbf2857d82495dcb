import { Elysia, ValidationError } from 'elysia'
import postgres from 'postgres'
import { isDatabaseDown } from './db.ts'
import type { Log } from './log.ts'
import { Refusal, type RefusalDetail } from './plugins/refusal.ts'
import { requestId } from './request-headers.ts'
import { BytesLost, StorageFull, StorageUnavailable } from './storage/storage.ts'

/** The closed list of what this program refuses outside its guards, which have refusals of their own. */
const STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  unprocessable: 422,
  locked: 423,
  internal: 500,
  unavailable: 503,
  insufficient_storage: 507,
} as const

/** `throw refuse(…)`: `message` is what the caller may know, and holds nothing that was submitted. */
export function refuse(
  code: keyof typeof STATUS,
  message?: string,
  detail: Omit<RefusalDetail, 'message'> = {},
): Refusal {
  return new Refusal(STATUS[code], { ...(message && { message }), ...detail })
}

/** One bad field: where it is, and the rule that it breaks. */
export function refuseField(field: string, rule: string): Refusal {
  return refuse('unprocessable', `${field}: ${rule}`, { data: { errors: [{ field, rule }] } })
}

type Issue = { path: string; message: string }

// Nobody reads more, and a body of a megabyte can break a rule a hundred thousand times.
const MAX_FIELDS = 20

/** Turns every failure into the one envelope. A `Refusal` thrown in a guard or handler answers for itself. */
export function errors(log: Log) {
  const failure = (request: Request, error: unknown, code?: unknown): Response => {
    const refusal = refusalFor(code, error)
    if (refusal.status < 500) return refusal.toResponse()
    const id = requestId(request)
    log.error('request failed', { requestId: id, method: request.method, ...describe(error) })
    return (
      refusal.status === 500 ? refuse('internal', `Request ${id} failed`) : refusal
    ).toResponse()
  }
  return {
    failure,
    /** For the routes that are mounted after it: Elysia would answer for them itself. */
    ofRoutes: new Elysia({ name: 'errors-of-routes' }).onError(
      { as: 'global' },
      ({ request, error, code }) => failure(request, error, code),
    ),
  }
}

function refusalFor(code: unknown, error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof Error && error.cause instanceof Refusal) return error.cause
  if (code === 'VALIDATION') return invalid(error)
  if (code === 'PARSE') return refuse('bad_request', 'The body could not be read')
  if (code === 'NOT_FOUND') return refuse('not_found')
  if (error instanceof StorageFull) return refuse('insufficient_storage', 'The storage is full')
  if (error instanceof BytesLost) return refuse('gone', 'The bytes of this file are lost')
  if (error instanceof StorageUnavailable) {
    return refuse('unavailable', 'The storage of files does not answer', {
      headers: { 'retry-after': '1' },
    })
  }
  if (isDatabaseDown(error)) {
    return refuse('unavailable', 'The database does not answer', {
      headers: { 'retry-after': '1' },
    })
  }
  return refuse('internal')
}

function invalid(error: unknown): Refusal {
  if (!(error instanceof ValidationError)) return refuse('unprocessable')
  // An id that is no UUID names nothing, as an unknown one does.
  if (error.type === 'params') return refuse('not_found')
  const issues: Issue[] = error.all.slice(0, MAX_FIELDS)
  const fields = issues.map(({ path, message }) => ({
    field: path === 'root' ? 'body' : path,
    rule: message,
  }))
  const summary = fields.map(({ field, rule }) => `${field}: ${rule}`).join('; ')
  return refuse('unprocessable', summary, { data: { errors: fields } })
}

/** What the log keeps of a failure. What PostgreSQL says of bad data quotes the data, and stays out. */
function describe(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: typeof error }
  const { name, message, stack } = error
  const code = 'code' in error ? String(error.code) : undefined
  const quotes = error instanceof postgres.PostgresError && /^2[23]/.test(error.code)
  return { error: name, code, ...(!quotes && { message, stack }) }
}
