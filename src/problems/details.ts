import { z } from 'zod'
import { accepted } from '../accept.ts'
import { requestId } from '../request-headers.ts'
import { PROBLEM_TYPES } from './types.ts'

const MEDIA_TYPE = 'application/problem+json'
const TYPES = new Map(PROBLEM_TYPES.map(({ status, uri, title }) => [status, { uri, title }]))

const Envelope = z.object({
  success: z.literal(false),
  error: z.string(),
  message: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
})

/**
 * Gives a failure in the form of RFC 9457 to who asks for it by name in Accept, and likes it no less than plain JSON.
 * Nothing that refuses needs to know of a second form.
 */
export const inForm = (request: Request, response: Response): Response | Promise<Response> =>
  response.status >= 400 && prefersProblem(request) ? asProblem(request, response) : response

function prefersProblem({ headers }: Request): boolean {
  const accept = headers.get('accept')
  if (!accept?.toLowerCase().includes(MEDIA_TYPE)) return false
  const liking = accepted(accept)
  const { quality, detail } = liking(MEDIA_TYPE)
  return detail === 2 && quality > 0 && quality >= liking('application/json').quality
}

async function asProblem(request: Request, response: Response): Promise<Response> {
  const { status } = response
  const headers = new Headers(response.headers)
  if (!headers.get('content-type')?.startsWith('application/json')) return response
  const text = await response.text()
  const envelope = text && Envelope.safeParse(JSON.parse(text))
  // A failure in the form of another standard, as OAuth has one, stays in it.
  if (envelope && !envelope.success) return new Response(text, { status, headers })
  headers.set('content-type', MEDIA_TYPE)
  headers.delete('content-length')
  // The answer to HEAD has no body.
  const body = envelope && JSON.stringify(problem(status, requestId(request), envelope.data))
  return new Response(body || null, { status, headers })
}

function problem(
  status: number,
  instance: string,
  { error, message, data }: z.infer<typeof Envelope>,
) {
  const { uri, title } = TYPES.get(status) ?? { uri: 'about:blank', title: error }
  return { ...data, type: uri, title, status, detail: message, instance }
}
