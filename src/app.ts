import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { authRoutes } from './auth/routes.ts'
import { sessions } from './auth/session.ts'
import { cors } from './cors.ts'
import { createCounts } from './counts.ts'
import { openApiDocument } from './docs/document.ts'
import { docsPage } from './docs/page.ts'
import { errors } from './errors.ts'
import { fcsDataRoutes } from './files/data-routes.ts'
import { plotRoutes } from './files/plot-routes.ts'
import { reading } from './files/reading.ts'
import { fileRoutes } from './files/routes.ts'
import type { Sample } from './files/sample.ts'
import { scopeGuard } from './guard.ts'
import { headAnswers } from './head.ts'
import type { Log } from './log.ts'
import { NAME } from './name.ts'
import { plainQuery } from './plain-query.ts'
import { audit } from './plugins/audit/index.ts'
import { clientAddress, type Peer } from './plugins/client-address.ts'
import { createPat } from './plugins/pat/index.ts'
import { memoryStore, rateLimit } from './plugins/rate-limit/index.ts'
import { routeTable } from './plugins/route-table.ts'
import { problemDetails } from './problems/details.ts'
import { PROBLEMS_PATH } from './problems/types.ts'
import { requestHeaders } from './request-headers.ts'
import { routing } from './routing.ts'
import { serviceRoutes } from './service-routes.ts'
import type { Storage } from './storage/local.ts'
import { tokenLimit } from './tokens/limit.ts'
import { tokenRoutes } from './tokens/routes.ts'
import { userRoutes } from './users/routes.ts'
import { workspaceRoutes } from './workspaces/routes.ts'

export type AppOptions = {
  sql: Sql
  log: Log
  storage: Storage
  sample: Sample
  secretKey: string
  accessTokenMinutes: number
  rateLimitPerMinute: number
  tokenRateLimitPerMinute: number
  trustedProxies: readonly string[]
  /** The origins whose scripts may call; none when empty. */
  corsOrigins: readonly string[]
  maxUploadBytes: number
  auditRequired: boolean
  /** The address at the other end of a request's socket. */
  peer: Peer
  pendingMigrations: () => Promise<string[]>
}

/** What anybody may call. Every other route says itself who may. */
export const OPEN_PATHS = [
  '/',
  '/health',
  '/ready',
  '/docs',
  '/docs/assets/:name',
  PROBLEMS_PATH,
  '/openapi.json',
  '/api/v1/auth/register',
  '/api/v1/auth/login',
]

/** The composition: the routes, and then around them, from the inside outwards, what a request meets before them. */
export function createApp(options: AppOptions) {
  const { sql, log, storage, sample } = options
  const root = new Elysia({ strictPath: true, handler: { standardHostname: false } })
  const routes = routeTable(() => root.routes)
  const address = clientAddress(options.peer, options.trustedProxies)
  const counts = createCounts(log)
  const pat = createPat({
    sql,
    address,
    realm: NAME,
    onUnknown: () => counts.add('unknown_tokens'),
    onDeaf: (deaf) =>
      deaf
        ? log.warn('no changes of tokens are heard: every check asks the database')
        : log.info('changes of tokens are heard again'),
    limit: tokenLimit({ perMinute: options.tokenRateLimitPerMinute }),
  })
  const session = sessions({
    sql,
    secret: options.secretKey,
    minutes: options.accessTokenMinutes,
    routes,
  })
  const guard = scopeGuard({ routes, pat })
  const read = reading({ sql, storage, sample })
  const isHealth = (path: string) => path === '/health'
  const limit = options.rateLimitPerMinute
  const failures = errors(log)

  return (
    root
      .decorate('pat', pat)
      .use(failures.ofRoutes)
      .use(plainQuery())
      .use(serviceRoutes({ pendingMigrations: options.pendingMigrations }))
      .use(openApiDocument())
      .use(docsPage())
      .use(authRoutes({ sql, sessions: session }))
      .use(tokenRoutes({ sql, sessions: session, pat }))
      .use(workspaceRoutes({ sql, guard }))
      .use(userRoutes({ sql, guard }))
      .use(fcsDataRoutes({ guard, read }))
      .use(plotRoutes({ guard, read }))
      .use(fileRoutes({ sql, guard, storage, maxBytes: options.maxUploadBytes, log }))
      // Each of these stands around what is above it: a request meets them from the last one upwards.
      .use(session)
      .use(guard)
      .use(routing({ routes, open: OPEN_PATHS }))
      .use(
        rateLimit({
          store: memoryStore({ limit, windowSeconds: 60, now: () => performance.now() }),
          limit,
          windowSeconds: 60,
          address,
          skip: limit === 0 ? () => true : isHealth,
        }),
      )
      .use(headAnswers())
      .use(failures.ofGuards)
      .use(
        audit({
          sql,
          use: pat.use,
          address,
          skip: isHealth,
          required: options.auditRequired,
          onLost(error) {
            log.error('audit row lost', { error: String(error) })
            counts.add('lost_audit_rows')
          },
        }),
      )
      .use(problemDetails())
      .use(cors(options.corsOrigins))
      .use(requestHeaders())
  )
}
