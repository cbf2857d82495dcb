import swagger from '@elysiajs/swagger'
import { Elysia } from 'elysia'
import { VERSION } from '../name.ts'
import { completeDocument } from './complete.ts'
import { errorSchema, problemSchema } from './operation.ts'

const documentation = {
  info: {
    title: 'PAT Auth System',
    version: VERSION,
    description:
      'Personal access tokens with hierarchical scopes, guarding flow-cytometry data.\n\n' +
      'Register, log in, and **Authorize** with the access token (`session`) to manage tokens. Then authorize ' +
      'with a personal access token (`personalAccessToken`) to call the workspaces, users and FCS routes.',
    license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
  },
  servers: [{ url: '/' }],
  tags: [
    { name: 'Service', description: 'Whether the service runs' },
    { name: 'Accounts', description: 'Registering, logging in and out, and your account' },
    { name: 'Tokens', description: 'Managing your tokens, with a login' },
    { name: 'Own token', description: 'What a token can find out about itself' },
    { name: 'OAuth', description: 'What the RFCs have for tokens, in their form' },
    { name: 'Gateways', description: 'Checking tokens for other services' },
    { name: 'Leaks', description: 'For whoever finds a token, without an account' },
    { name: 'Workspaces', description: 'With a token' },
    { name: 'Users', description: 'With a token' },
    { name: 'FCS files', description: 'Keeping FCS files, with a token' },
    { name: 'FCS uploads', description: 'Sending large FCS files in pieces, with a token' },
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
      introspectionClient: {
        type: 'http' as const,
        scheme: 'basic',
        description: 'INTROSPECTION_CLIENT_ID and its secret',
      },
    },
    schemas: { Error: errorSchema, Problem: problemSchema },
  },
}

/** The OpenAPI document at /openapi.json, printed from the routes themselves. */
export function openApiDocument() {
  return new Elysia()
    .onAfterHandle(({ response }) => completeDocument(response))
    .use(
      swagger({
        specPath: '/openapi.json',
        // The plugin's own page, which loads from a CDN, is on no list of open paths and so stays closed.
        path: '/docs/cdn',
        documentation,
        excludeStaticFile: false,
        excludeMethods: [],
      }),
    )
}
