// The service as many: real processes on one PostgreSQL, behind the balancer that the project ships.
import { join } from 'node:path'
import { balancerConfig, freePort, type Nginx, startNginx } from './nginx.ts'
import { type Service, service } from './service.ts'

const SECRET_KEY = 'one key for all instances, of more than 32 bytes'

export type Cluster = Awaited<ReturnType<typeof startCluster>>
export type Instance = ReturnType<typeof instance>

/** One instance, on the same port each time that it is started. */
function instance(folder: string, port: number, env: Record<string, string>) {
  let running: Service | null = null
  const current = () => {
    if (!running) throw new Error('not running')
    return running
  }
  return {
    url: `http://127.0.0.1:${port}`,
    get pid(): number {
      return current().pid ?? Number.NaN
    },
    async start() {
      running = await service(folder, { ...env, PORT: String(port) })
    },
    /** Its exit code, once it has ended. Without a signal, when it ends by itself. */
    async ended(signal?: NodeJS.Signals): Promise<number | null> {
      const { closed } = current()
      if (signal) current().signal(signal)
      return await closed
    },
    signal: (signal: NodeJS.Signals) => current().signal(signal),
  }
}

/**
 * Instances without limits, unless `env` sets some, whose balancer is believed, and its clients with it. They
 * share a folder for files, unless `env` names an S3 and no DATA_DIR: then each has one of its own.
 */
export async function startCluster(options: {
  /** An empty folder. */
  folder: string
  databaseUrl: string
  instances?: number
  /** Further settings, for example REDIS_URL and S3_ENDPOINT. */
  env?: Record<string, string>
}) {
  const { folder, databaseUrl, instances: count = 3, env = {} } = options
  const settings = {
    DATABASE_URL: databaseUrl,
    SECRET_KEY,
    TRUSTED_PROXIES: '127.0.0.1',
    RATE_LIMIT_PER_MINUTE: '0',
    TOKEN_RATE_LIMIT_PER_MINUTE: '0',
    ...env,
  }
  const instances: Instance[] = []
  for (let number = 1; number <= count; number++) {
    const data = join(folder, env.S3_ENDPOINT ? `data-${number}` : 'data')
    instances.push(instance(folder, await freePort(), { DATA_DIR: data, ...settings }))
  }
  await Promise.all(instances.map(({ start }) => start()))
  const nginx: Nginx = await startNginx(folder, (port) =>
    balancerConfig(
      folder,
      port,
      instances.map(({ url }) => url),
    ),
  )
  return {
    /** Where clients call: the balancer. */
    url: nginx.url,
    nginx,
    instances,
    /** Restarts all, one after the other, each told to stop and waited for. The exit codes. */
    async restart(): Promise<(number | null)[]> {
      const codes: (number | null)[] = []
      for (const each of instances) {
        codes.push(await each.ended('SIGTERM'))
        await each.start()
      }
      return codes
    },
    async close() {
      await nginx.stop()
      await Promise.all(instances.map(({ ended }) => ended('SIGTERM')))
    },
  }
}
