let last: { request: Request; path: string } | undefined

/** The path of a request as it was sent, without its query: `URL` would cost an allocation and decode. */
export function requestPath(request: Request): string {
  // Each step around an app asks for it.
  if (last?.request !== request) last = { request, path: pathOf(request.url) }
  return last.path
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.indexOf('?', start)
  return url.slice(start, end === -1 ? undefined : end)
}
