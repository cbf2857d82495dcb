import { Elysia } from 'elysia'

/** The query of a request as it was sent. Whatever its host is, of which `URL` would ask more. */
export function queryOf({ url }: Request): URLSearchParams {
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start))
}

/**
 * Gives validation the query as it was sent. Elysia's own reading makes lists of what holds a comma and parses what
 * looks like JSON, and the names of channels hold both.
 */
export function plainQuery() {
  return new Elysia({ name: 'plain-query' }).onTransform({ as: 'global' }, (context) => {
    const { request } = context
    if (request.url.includes('?')) context.query = Object.fromEntries(queryOf(request))
  })
}
