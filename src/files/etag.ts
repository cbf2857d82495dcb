/** The strong tag of what follows from a file's bytes alone. */
export const etagOf = ({ sha256 }: { sha256: string }) => `"${sha256}"`

/** Whether the client says that it has what the tag stands for (If-None-Match, RFC 9110 §13.1.2). */
export function isKnown(request: Request, etag: string): boolean {
  const tags = request.headers.get('if-none-match')?.split(',') ?? []
  return tags.some((tag) => ['*', etag, `W/${etag}`].includes(tag.trim()))
}
