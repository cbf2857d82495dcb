import { readFile } from 'node:fs/promises'
import { Elysia } from 'elysia'
import { refuse } from '../errors.ts'
import { problemsPage } from '../problems/page.ts'
import { PROBLEMS_PATH } from '../problems/types.ts'

const HTML = 'text/html; charset=utf-8'
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PAT Auth System API</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
`
const start = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'list',
  validatorUrl: null,
})
`

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'public, max-age=3600',
}

/** Swagger UI at /docs and what its problems mean, from files of our own: it works without internet. */
export function docsPage() {
  return new Elysia()
    .get('/docs', ({ request }) => answer(request, page, HTML), { detail: { hide: true } })
    .get(PROBLEMS_PATH, ({ request }) => answer(request, problemsPage, HTML), {
      detail: { hide: true },
    })
    .get(
      '/docs/assets/:name',
      async ({ request, params: { name } }) => {
        if (name === 'start.js') return answer(request, start, 'text/javascript; charset=utf-8')
        const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined
        if (type === undefined) throw refuse('not_found')
        const file = await readFile(new URL(import.meta.resolve(`swagger-ui-dist/${name}`)))
        return answer(request, new Uint8Array(file), type)
      },
      { detail: { hide: true } },
    )
}

/** Anybody may keep a copy, unless it answers a credential: nothing that does is kept. */
function answer(request: Request, body: string | Uint8Array<ArrayBuffer>, type: string): Response {
  const credential = request.headers.has('authorization') && { 'cache-control': 'no-store' }
  return new Response(body, { headers: { ...headers, ...credential, 'content-type': type } })
}
