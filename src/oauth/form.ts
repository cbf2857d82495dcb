import { refusal } from '../docs/complete.ts'
import { Refusal } from '../plugins/refusal.ts'
import { contentType, readBody } from '../read-body.ts'

const MAX_FORM_BYTES = 16 * 1024
const TYPE = 'application/x-www-form-urlencoded'

/** A refusal in the form that OAuth has for its own errors (RFC 6749 §5.2) in place of our envelope. */
export class OAuthRefusal extends Refusal {
  readonly code: string

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(status, { message, headers })
    this.code = code
  }

  override toResponse(): Response {
    const { message, headers } = this.detail
    const body = { error: this.code, error_description: message }
    return Response.json(body, { status: this.status, ...(headers && { headers }) })
  }
}

/** The token that a form is about (RFC 7662 §2.1, RFC 7009 §2.1). Other fields, such as a hint at its type, are ignored. */
export async function presentedToken(request: Request): Promise<string> {
  if (contentType(request) !== TYPE) {
    throw new OAuthRefusal(400, 'invalid_request', `The body must be ${TYPE}`)
  }
  const bytes = await readBody(request, MAX_FORM_BYTES)
  const form = new URLSearchParams(new TextDecoder().decode(bytes))
  const [token, second] = form.getAll('token')
  if (!token || second !== undefined) {
    throw new OAuthRefusal(400, 'invalid_request', 'The field token is needed, once')
  }
  return token
}

const field = (description: string) => ({ type: 'string', description })

/** For the OpenAPI document. */
export const FORM = {
  required: true as const,
  content: {
    [TYPE]: {
      schema: {
        type: 'object',
        required: ['token'],
        properties: {
          token: field('The token in question'),
          token_type_hint: field('Ignored: every token is of one type'),
        },
      },
    },
  },
}

export const oauthError = (description: string) => ({
  description,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['error'],
        properties: { error: { type: 'string' }, error_description: { type: 'string' } },
      },
    },
  },
})

/** The same where the guard may refuse before, which it does as everywhere else. */
export function oauthErrorOrRefusal(description: string) {
  const { content } = refusal(description)
  return { description, content: { ...content, ...oauthError(description).content } }
}
