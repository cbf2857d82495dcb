// The requests that are measured.
import type { Target } from './http-load.ts'
import type { Bench } from './http-service.ts'

export type Line = Target & { name: string; status: number }

export async function linesOf(bench: Bench): Promise<Line[]> {
  const { durable, undurable, floor, undurableFloor, token, jwt } = bench
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const parameters = '/api/v1/fcs/parameters'
  const { headers } = await fetch(durable.url + parameters, { headers: bearer(token) })
  // Answered 304: all that a token's call needs, and no work of its own.
  const known = { ...bearer(token), 'if-none-match': headers.get('etag') ?? '' }
  const line = (
    name: string,
    status: number,
    path: string,
    headers: Record<string, string> = {},
    { url, pid } = durable,
  ): Line => ({ name, status, url: url + path, pid, headers })

  return [
    line('health', 200, '/health'),
    line('pat', 304, parameters, known),
    line('pat, undurable', 304, parameters, known, undurable),
    line('workspaces', 200, '/api/v1/workspaces', bearer(token)),
    line('workspaces, undurable', 200, '/api/v1/workspaces', bearer(token), undurable),
    line('refused: checksum', 401, parameters, bearer(bench.mistyped)),
    line('refused: unknown', 401, parameters, bearer(bench.unknown)),
    line('refused: expired', 401, parameters, bearer(bench.expired)),
    line('parameters', 200, parameters, bearer(token)),
    line('statistics', 200, '/api/v1/fcs/statistics', bearer(token)),
    line('events', 200, '/api/v1/fcs/events?limit=100', bearer(token)),
    line('tokens', 200, '/api/v1/tokens', bearer(jwt)),
    line('floor: pat', 304, '/', bearer(token), floor),
    line('floor: pat, undurable', 304, '/', bearer(token), undurableFloor),
    line('floor: checksum', 401, '/', bearer(bench.mistyped), floor),
    line('log', 200, `/api/v1/tokens/${bench.loggedId}/logs`, bearer(jwt)),
  ]
}
