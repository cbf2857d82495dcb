import { Elysia } from 'elysia'
import { after, around } from './plugins/around.ts'

/**
 * What every answer goes through on its way out, whoever made it: a failure becomes an answer, which is put into the form
 * that the client asked for, and is given the headers that all have. One step does it all: each would wait anew.
 */
export function answers({
  failure,
  form,
  headers,
}: {
  failure: (request: Request, error: unknown) => Response
  form: (request: Request, response: Response) => Response | Promise<Response>
  headers: readonly ((request: Request, headers: Headers) => void)[]
}) {
  return new Elysia({ name: 'answers' }).wrap(
    around((request, handle) => {
      const complete = (made: Response) =>
        after(form(request, made), (response) => {
          for (const set of headers) set(request, response.headers)
          return response
        })
      const failed = (error: unknown) => complete(failure(request, error))
      let response: Response | Promise<Response>
      try {
        response = handle(request)
      } catch (error) {
        return failed(error)
      }
      return response instanceof Promise ? response.then(complete, failed) : complete(response)
    }),
  )
}
