import { Elysia } from 'elysia'
import { after, around } from './plugins/around.ts'

/**
 * What every answer goes through on its way out, whoever made it: it is put into the form that the client asked for, and is
 * given the headers that all have. `step` does it around an app, of which a failure becomes an answer, too. It is one step
 * for all of this, for each would wait anew.
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
  const complete = (request: Request, made: Response) =>
    after(form(request, made), (response) => {
      const { headers: given } = response
      for (const set of headers) set(request, given)
      return response
    })

  return {
    complete,
    step: new Elysia({ name: 'answers' }).wrap(
      around((request, handle) => {
        const answered = (response: Response) => complete(request, response)
        const failed = (error: unknown) => complete(request, failure(request, error))
        let response: Response | Promise<Response>
        try {
          response = handle(request)
        } catch (error) {
          return failed(error)
        }
        return response instanceof Promise ? response.then(answered, failed) : answered(response)
      }),
    ),
  }
}
