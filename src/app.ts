import { Elysia } from 'elysia'
import type { Sql } from 'postgres'
import { answers } from './answers.ts'
import type { Passwords } from './auth/password.ts'
import { authRoutes } from './auth/routes.ts'
import { sessions } from './auth/session.ts'
import { createThrottle } from './auth/throttle.ts'
import { corsHeaders } from './cors.ts'
import type { Counts } from './counts.ts'
import { openApiDocument } from './docs/document.ts'
import { docsPage } from './docs/page.ts'
import { errors } from './errors.ts'
import { fcsDataRoutes } from './files/data-routes.ts'
import { plotRoutes } from './files/plot-routes.ts'
import { storageQuota } from './files/quota.ts'
import { reading } from './files/reading.ts'
import { fileRoutes } from './files/routes.ts'
import type { Sample } from './files/sample.ts'
import { questionsAstray } from './gateways/astray.ts'
import { originals } from './gateways/original.ts'
import { gatewayRoutes } from './gateways/routes.ts'
import { scopeGuard } from './guard.ts'
import { headAnswers } from './head.ts'
import { leakRoutes } from './leaks/routes.ts'
import { type Limits, perMinute } from './limits.ts'
import type { Log } from './log.ts'
import { NAME } from './name.ts'
import { type Client, introspectionCallers } from './oauth/callers.ts'
import { oauthRoutes } from './oauth/routes.ts'
import { plainQuery } from './plain-query.ts'
import { audit } from './plugins/audit/index.ts'
import { clientAddress, type Peer } from './plugins/client-address.ts'
import { createPat } from './plugins/pat/index.ts'
import { rateLimit } from './plugins/rate-limit/index.ts'
import { routeTable } from './plugins/route-table.ts'
import { inForm } from './problems/details.ts'
import { commonHeaders } from './request-headers.ts'
import { routing } from './routing.ts'
import { serviceRoutes } from './service-routes.ts'
import type { Storage } from './storage/storage.ts'
import { expiryHeaders } from './tokens/expiry.ts'
import { tokenLimit } from './tokens/limit.ts'
import { tokenRoutes } from './tokens/routes.ts'
import { selfRoutes } from './tokens/self.ts'
import { createFinishing } from './uploads/finishing.ts'
import type { Parts } from './uploads/parts.ts'
import { progressRoutes } from './uploads/progress.ts'
import type { Queue } from './uploads/queue.ts'
import { uploadRoutes } from './uploads/routes.ts'
import { uploadSweep } from './uploads/sweep.ts'
import { tus } from './uploads/tus.ts'
import { uploadRows } from './uploads/uploads.ts'
import { tusVersion } from './uploads/version.ts'
import { userRoutes } from './users/routes.ts'
import { workspaceRoutes } from './workspaces/routes.ts'

export type AppOptions = {
  sql: Sql
  /** One connection, on which the audit's batches follow each other. */
  auditSql: Sql
  log: Log
  /** What leaves no row of its own is counted here. */
  counts: Counts
  storage: Storage
  sample: Sample
  /** The first one signs; what the others have signed is still accepted. */
  secretKeys: readonly [string, ...string[]]
  accessTokenMinutes: number
  passwords: Passwords
  /** Where requests and attempts are counted that are limited. */
  limits: Limits
  rateLimitPerMinute: number
  tokenRateLimitPerMinute: number
  trustedProxies: readonly string[]
  /** The origins whose scripts may call; none when empty. */
  corsOrigins: readonly string[]
  maxUploadBytes: number
  /** Of files and uploads under way; 0 is any number. */
  maxStorageBytesPerUser: number
  /** Where uploads in pieces are until they are files, and what makes them files. */
  parts: Parts
  queue: Queue
  auditRequired: boolean
  /** Who may introspect tokens beside the tokens themselves. */
  introspectionClient: Client | null
  /** The address at the other end of a request's socket. */
  peer: Peer
  pendingMigrations: () => Promise<string[]>
  /** Whether it is about to stop, so that nothing new should be sent here. */
  stopping: () => boolean
}

/** The composition: the routes, and then around them, from the inside outwards, what a request meets before them. */
export function createApp(options: AppOptions) {
  const { sql, log, counts, storage, sample } = options
  const root = new Elysia({ strictPath: true, handler: { standardHostname: false } })
  const routes = routeTable(() => root.routes)
  const address = clientAddress(options.peer, options.trustedProxies)
  const pat = createPat({
    sql,
    address,
    realm: NAME,
    onUnknown: () => counts.add('unknown_tokens'),
    onDeaf: (deaf) =>
      deaf
        ? log.warn('no changes of tokens are heard: every check asks the database')
        : log.info('changes of tokens are heard again'),
    limit: tokenLimit(options.limits, options.tokenRateLimitPerMinute),
  })
  const session = sessions({
    sql,
    secrets: options.secretKeys,
    minutes: options.accessTokenMinutes,
    routes,
  })
  const guard = scopeGuard({ routes, pat })
  const callers = introspectionCallers({ routes, pat, client: options.introspectionClient })
  const original = originals(options)
  const read = reading({ sql, storage, sample })
  const quota = storageQuota(sql, options.maxStorageBytesPerUser)
  const { parts, queue, maxUploadBytes: maxBytes } = options
  const uploads = uploadRows(sql, quota)
  const finishing = createFinishing({ sql, uploads, parts, storage, queue, log })
  const isHealth = (path: string) => path === '/health'
  const limit = options.rateLimitPerMinute
  const failures = errors(log)
  const outgoing = answers({
    failure: failures.failure,
    form: inForm,
    headers: [tusVersion, corsHeaders(options.corsOrigins), commonHeaders, expiryHeaders(pat)],
  })

  return (
    root
      .decorate('pat', pat)
      .decorate('finishing', finishing)
      .decorate('uploadSweep', uploadSweep({ sql, uploads, parts, log }))
      .use(failures.ofRoutes)
      .use(plainQuery())
      .use(serviceRoutes(options))
      .use(openApiDocument())
      .use(docsPage())
      .use(
        authRoutes({
          sql,
          sessions: session,
          passwords: options.passwords,
          throttle: createThrottle(options.limits, options.secretKeys[0], address),
          pat,
        }),
      )
      .use(tokenRoutes({ sql, sessions: session, pat }))
      .use(selfRoutes({ sql, guard, address }))
      .use(gatewayRoutes({ sql, guard, original }))
      .use(oauthRoutes({ sql, pat, callers, address }))
      .use(leakRoutes({ sql, routes, limits: options.limits, pat, address, log }))
      .use(workspaceRoutes({ sql, guard }))
      .use(userRoutes({ sql, guard }))
      .use(fcsDataRoutes({ guard, read }))
      .use(plotRoutes({ guard, read }))
      .use(fileRoutes({ sql, guard, storage, quota, uploads, maxBytes, log }))
      .use(progressRoutes({ sql, guard, uploads }))
      .use(uploadRoutes({ guard, uploads, finishing, tus: tus({ sql, uploads, parts, maxBytes }) }))
      // Each of these stands around what is above it: a request meets them from the last one upwards.
      .use(routes.guarded)
      .use(routing(routes))
      .use(questionsAstray())
      .use(
        rateLimit({
          ...perMinute(options.limits, 'address', limit),
          address,
          skip: limit === 0 ? () => true : isHealth,
        }),
      )
      .use(headAnswers())
      .use(outgoing.step)
      .use(
        audit({
          sql: options.auditSql,
          use: pat.use,
          address,
          called: original.called,
          skip: isHealth,
          complete: outgoing.complete,
          required: options.auditRequired,
          onLost(error, rows) {
            log.error('audit rows lost', { rows, error: String(error) })
            counts.add('lost_audit_rows', rows)
          },
        }),
      )
  )
}
