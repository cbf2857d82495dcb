import { Refusal } from './refusal.ts'

/** What stands further in: the next step, and behind the last one the app with its routes. */
export type Handle = (request: Request) => Response | Promise<Response>

/** A step around an Elysia app, for its `wrap`. Without a call of `handle` nothing of the app is reached. */
export function around(step: (request: Request, handle: Handle) => Response | Promise<Response>) {
  let inner: unknown
  let outer: Handle | undefined
  return (fetch: unknown) => {
    // Elysia builds its steps anew for each request, from the same ones.
    if (outer && fetch === inner) return outer
    inner = fetch
    // Its types say that it hands over a function that makes functions. It is its fetch.
    outer = (request) => step(request, fetch as Handle)
    return outer
  }
}

/**
 * Looks at a request, and throws the refusal that stands against it. It may return one that many requests meet: throwing is a
 * third of what refusing costs.
 */
export type Guard = (request: Request) => Refusal | undefined | Promise<Refusal | undefined>

/**
 * A step that guards: nothing of the app is reached before `guard` has returned, and its refusal is the answer.
 * `onRequest` would do the same at several times the cost, for Elysia makes a refusal's response twice and then copies it.
 */
export function before(guard: Guard) {
  return around((request, handle) => {
    try {
      const guarded = guard(request)
      if (guarded instanceof Promise) {
        return guarded.then((refusal) => refusal?.toResponse() ?? handle(request), answer)
      }
      if (guarded) return guarded.toResponse()
    } catch (error) {
      return answer(error)
    }
    return handle(request)
  })
}

function answer(error: unknown): Response {
  if (error instanceof Refusal) return error.toResponse()
  throw error
}

/** `next` of a value that may still be on its way; one that is there is not waited for. */
export function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>) {
  return value instanceof Promise ? value.then(next) : next(value)
}
