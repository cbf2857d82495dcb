import { STATUS_CODES } from 'node:http'

/** What each kind of failure means, and what its caller can do: one for each status that is answered. */
const MEANINGS: Record<number, string> = {
  400: 'The request could not be read: its JSON is broken, or it has a token in its URL. Correct it before you send it again.',
  401: 'There is no credential, or none that is accepted here: it is malformed, unknown, revoked, expired or of the other kind. WWW-Authenticate says what is asked for.',
  403: 'The credential is good and does not allow this. When a scope is missing, required_scope names the one that is needed and your_scopes those that the token holds; else the address is not on the list of the token.',
  404: 'There is no such route, or nothing of yours with that id. What belongs to others is answered in the same way.',
  405: 'The route exists, but not with this method. Allow has all that it takes.',
  409: 'What is asked for contradicts what is there: a name that is taken, or a token that was revoked. Look at the present state first.',
  410: 'The file is known, and its bytes are lost: what was read of them at the upload is still answered. Tell the operator of the service, who may have them in a backup.',
  413: 'The body is larger than the route takes. detail says how much that is.',
  415: 'The body is not of the content type that the route reads. Send Content-Type with the right one.',
  416: 'The range that is asked for lies outside of the file. Content-Range says how large the file is.',
  422: 'The request was read, and a field breaks its rule. errors names each field and the rule, never the value.',
  423: 'Another request works on the upload, or nobody can tell at the moment how much of it there is. Ask again after Retry-After, and go on from there.',
  429: 'There were too many requests from this address, with this token or to this account. Wait for retry_after seconds; RateLimit says which limit it was.',
  500: 'The service failed. Tell its operator the instance: the log knows it by that.',
  503: 'The service can not answer at the moment, as a rule since its database or its storage of files does not. Try again after Retry-After.',
  507: 'The storage of the service is full. Nothing was kept of the upload.',
}

export type ProblemType = {
  uri: string
  slug: string
  status: number
  title: string
  meaning: string
}

export const PROBLEMS_PATH = '/docs/problems'

const typeOf = (status: number, meaning: string): ProblemType => {
  const title = STATUS_CODES[status] ?? String(status)
  const slug = title.toLowerCase().replaceAll(' ', '-')
  return { uri: `${PROBLEMS_PATH}#${slug}`, slug, status, title, meaning }
}

export const PROBLEM_TYPES = Object.entries(MEANINGS).map(([status, meaning]) =>
  typeOf(Number(status), meaning),
)
