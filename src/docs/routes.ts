import { readFile } from 'node:fs/promises'
import swagger from '@elysiajs/swagger'
import { Elysia } from 'elysia'
import { refuse } from '../errors.ts'
import { VERSION } from '../name.ts'
import { errorSchema } from './operation.ts'

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
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'public, max-age=3600',
}

const documentation = {
  info: {
    title: 'PAT Auth System',
    version: VERSION,
    description:
      'Personal access tokens with hierarchical scopes, guarding flow-cytometry data.\n\n' +
      'Register, log in, and **Authorize** with the access token (`session`) to manage tokens. Then authorize ' +
      'with a personal access token (`personalAccessToken`) to call the workspaces, users and FCS routes.',
    license: { name: 'MIT', identifier: 'MIT' },
  },
  servers: [{ url: '/' }],
  tags: [
    { name: 'Service', description: 'Whether the service runs' },
    { name: 'Accounts', description: 'Registering and logging in' },
    { name: 'Tokens', description: 'Managing your tokens, with a login' },
    { name: 'Workspaces', description: 'With a token' },
    { name: 'Users', description: 'With a token' },
    { name: 'FCS files', description: 'Keeping FCS files, with a token' },
    { name: 'FCS data', description: 'Reading FCS files, with a token' },
  ],
  components: {
    securitySchemes: {
      session: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'The access token of a login',
      },
      personalAccessToken: {
        type: 'http' as const,
        scheme: 'bearer',
        bearerFormat: 'pat_…',
        description: 'A personal access token, which holds the scope that the operation names',
      },
    },
    schemas: { Error: errorSchema },
  },
}

/** Swagger UI at /docs, from files of our own, and the OpenAPI document at /openapi.json. */
export function docsRoutes() {
  return (
    new Elysia()
      // The plugin's own page, which loads from a CDN, is on no list of open paths and so stays closed.
      .use(
        swagger({
          path: '/docs/cdn',
          specPath: '/openapi.json',
          documentation,
          excludeStaticFile: false,
        }),
      )
      .get(
        '/docs',
        () =>
          new Response(page, {
            headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
          }),
        { detail: { hide: true } },
      )
      .get(
        '/docs/assets/:name',
        async ({ params: { name } }) => {
          if (name === 'start.js') {
            return new Response(start, {
              headers: { ...headers, 'content-type': 'text/javascript; charset=utf-8' },
            })
          }
          const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined
          if (type === undefined) throw refuse('not_found')
          const file = new URL(import.meta.resolve(`swagger-ui-dist/${name}`))
          return new Response(new Uint8Array(await readFile(file)), {
            headers: { ...headers, 'content-type': type },
          })
        },
        { detail: { hide: true } },
      )
  )
}
