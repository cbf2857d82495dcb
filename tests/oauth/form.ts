import type { Answer, Call, TestApp } from '../kit/app.ts'

/** Posts a form, as RFC 7662 and RFC 7009 have it. */
export const postForm = (
  app: TestApp,
  path: string,
  fields: Record<string, string> | string,
  call: Call = {},
): Promise<Answer> =>
  app.call('POST', path, {
    ...call,
    body: new URLSearchParams(fields).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...call.headers },
  })

export const basic = (id: string, secret: string) => ({
  authorization: `Basic ${btoa(`${id}:${secret}`)}`,
})
