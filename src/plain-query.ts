import { Elysia } from 'elysia'

/**
 * Gives validation the query as it was sent. Elysia's own reading makes lists of what holds a comma and parses what
 * looks like JSON, and the names of channels hold both.
 */
export function plainQuery() {
  return new Elysia({ name: 'plain-query' }).onTransform({ as: 'global' }, (context) => {
    const { url } = context.request
    const start = url.indexOf('?')
    if (start !== -1) context.query = Object.fromEntries(new URLSearchParams(url.slice(start)))
  })
}
