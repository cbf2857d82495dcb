import { Elysia } from 'elysia'
import { Memoirist } from 'memoirist'
import { after, before, type Guard } from './around.ts'
import { noted } from './noted.ts'
import { Refusal } from './refusal.ts'
import { requestPath } from './request-path.ts'

/** A route names its guard, which speaks before the body is read, under this key of its `detail`. */
export const GUARD = 'x-guard'

/**
 * A guard for the `detail` of one route, and what it has found of a request, for the handler of that route. Nothing is
 * found where the table did not show the route, nor where it shares its `detail` with another whose guard was asked instead:
 * both have to stay closed.
 */
export function finding<T extends object>(
  find: (request: Request) => T | Refusal | Promise<T | Refusal>,
) {
  const found = noted<T>()
  const guard: Guard = (request) =>
    after(find(request), (it) => {
      if (it instanceof Refusal) return it
      found.set(request, it)
    })
  return { guard: { [GUARD]: guard }, found: (request: Request) => found.get(request) }
}

export type DeclaredRoute = {
  method: string
  path: string
  detail: Record<string, unknown>
  guard: Guard | null
}
type AppRoutes = () => readonly { method: string; path: string; hooks: unknown }[]

export type RouteTable = {
  /** The route that this request will reach, HEAD standing for GET. Null when there is none. */
  match(request: Request): DeclaredRoute | null
  /** The methods that the path answers to, for a 405's Allow. Empty when the path is unknown. */
  allowed(path: string): string[]
  /** The step around an app that asks the guard of each request's route. Whatever declares guards uses it. */
  guarded: Elysia
}

/**
 * Finds a request's route before Elysia reads the body, so that a guard may speak first. It is Elysia's own
 * router over the app's own list of routes, read at the first request, when every route has been added.
 */
export function routeTable(routes: AppRoutes): RouteTable {
  let router: Memoirist<DeclaredRoute> | undefined
  let methods: string[] = []
  /**
   * The routes without parameters, by path and method: there are few others, and these are found at once. A path of these
   * is no other's with a parameter, whatever the method: so OpenAPI has it, and Elysia not.
   */
  const fixed = new Map<string, Map<string, DeclaredRoute>>()
  let last: { request: Request; route: DeclaredRoute | null } | undefined

  const built = () => {
    if (router) return router
    router = new Memoirist<DeclaredRoute>()
    for (const { method, path, hooks } of routes()) {
      const detail = detailOf(hooks)
      const route = { method, path, detail, guard: guardOf(detail) }
      router.add(method, path, route)
      if (!/[:*]/.test(path)) {
        const ofPath = fixed.get(path) ?? new Map<string, DeclaredRoute>()
        fixed.set(path, ofPath.set(method, route))
      }
      methods.push(method)
    }
    methods = [...new Set(methods)]
    return router
  }
  const findExactly = (method: string, path: string) => {
    const router = built()
    const ofPath = fixed.get(path)
    return ofPath ? ofPath.get(method) : router.find(method, path)?.store
  }
  const find = (method: string, path: string) =>
    findExactly(method, path) ?? (method === 'HEAD' ? findExactly('GET', path) : undefined) ?? null

  const match = (request: Request) => {
    if (last?.request !== request) {
      last = { request, route: find(request.method, requestPath(request)) }
    }
    return last.route
  }

  return {
    match,
    guarded: new Elysia({ name: 'guarded', seed: crypto.randomUUID() }).wrap(
      before((request) => match(request)?.guard?.(request)),
    ),
    allowed(path) {
      built()
      const found = methods.filter((method) => find(method, path) !== null)
      if (found.length === 0) return []
      return [...new Set([...found, ...(found.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].sort()
    },
  }
}

function detailOf(hooks: unknown): Record<string, unknown> {
  if (typeof hooks !== 'object' || hooks === null || !('detail' in hooks)) return {}
  const { detail } = hooks
  return typeof detail === 'object' && detail !== null ? { ...detail } : {}
}

function guardOf(detail: Record<string, unknown>): Guard | null {
  const guard = detail[GUARD]
  return typeof guard === 'function' ? (request) => guard(request) : null
}
