/** The path of a request as it was sent, without its query: `URL` would cost an allocation and decode. */
export function requestPath({ url }: Request): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', start)
  return url.slice(start, end === -1 ? undefined : end)
}
