import { describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { loadConfig, s3Settings } from '../src/config.ts'
import { composeService } from './kit/compose.ts'

const project = resolve(import.meta.dir, '..')
const read = (name: string) => readFile(join(project, name), 'utf8')

const attached = z.object({ ipv4_address: z.string() }).nullable()
const service = composeService.extend({
  build: z.string().optional(),
  networks: z
    .union([
      z.record(z.string(), attached),
      z
        .array(z.string())
        .transform((names) => Object.fromEntries(names.map((name) => [name, null]))),
    ])
    .default({}),
  extra_hosts: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  healthcheck: z.object({ test: z.union([z.string(), z.array(z.string())]) }),
})
const compose = z
  .object({
    services: z.strictObject({
      nginx: service,
      app1: service,
      app2: service,
      db: service,
      redis: service,
      s3: service,
    }),
    networks: z.record(z.string(), z.object({ internal: z.boolean() })),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(Bun.YAML.parse(await read('docker-compose.scale.yml')))
const { nginx, app1, app2, db, redis, s3 } = compose.services
const all = Object.entries(compose.services)
const addressOf = (it: z.infer<typeof service>) => it.networks.instances?.ipv4_address
const config = await read('deploy/nginx.conf')

describe('docker-compose.scale.yml', () => {
  test('starts the balancer when the instances are ready, and them when their engines are', () => {
    const healthy = { condition: 'service_healthy' }
    expect(nginx.depends_on).toEqual({ app1: healthy, app2: healthy })
    for (const app of [app1, app2]) {
      expect(app.depends_on).toEqual({ db: healthy, redis: healthy, s3: healthy })
      expect(app.healthcheck.test).toContain('/ready')
    }
  })

  test('publishes the balancer alone, and leaves everything behind it without a way out', () => {
    expect(all.filter(([, { ports }]) => ports.length > 0).map(([name]) => name)).toEqual(['nginx'])
    expect(nginx.ports).toEqual(['8000:8080'])
    const behind = [app1, app2, db, redis, s3].flatMap(({ networks }) => Object.keys(networks))
    expect([...new Set(behind)].sort()).toEqual(['engines', 'instances'])
    expect(compose.networks).toEqual({
      instances: { internal: true, ...compose.networks.instances },
      engines: { internal: true },
    })
    expect(Object.keys(nginx.networks)).not.toContain('engines')
  })

  test('has the instances believe the balancer, and nobody else', () => {
    for (const app of [app1, app2]) {
      expect(app.environment.TRUSTED_PROXIES).toBe(addressOf(nginx) ?? '?')
    }
  })

  test('names the same instances in the balancer’s configuration, each at its own address', () => {
    const servers = [...config.matchAll(/^\s+server (app\d):8000 max_fails=0;$/gm)]
    const names = servers.map(([, name]) => name)
    expect(names).toEqual(['app1', 'app2', 'app1', 'app2'])
    expect(nginx.extra_hosts).toEqual([`app1:${addressOf(app1)}`, `app2:${addressOf(app2)}`])
    expect(config).toContain('listen 8080;')
    expect(nginx.volumes).toEqual(['./deploy/nginx.conf:/etc/nginx/nginx.conf:ro'])
  })

  test.each(all)('gives %s a read-only root and no rights', (_, it) => {
    expect(it.read_only).toBe(true)
    expect([it.tmpfs].flat()).toContain('/tmp')
    expect(it.cap_drop).toEqual(['ALL'])
    expect(it.cap_add).toEqual([])
    expect(it.security_opt).toEqual(['no-new-privileges:true'])
    expect(it.restart).toBe('unless-stopped')
  })

  test('pins every image, and keeps what has to stay in named volumes', () => {
    for (const [, { image, build }] of all) expect(build ?? image).toMatch(/^\.$|:v?\d+/)
    const mounted = all.flatMap(([, { volumes }]) => volumes).filter((it) => !it.startsWith('./'))
    const sources = mounted.map((volume) => volume.split(':')[0]).sort()
    expect(sources).toEqual(Object.keys(compose.volumes).sort())
  })

  test('holds no secret and no default of one: each must be given, or nothing starts', () => {
    const settings = all.flatMap(([, { environment }]) => Object.entries(environment))
    const sensitive = settings.filter(
      ([name, value]) => /PASSWORD|SECRET|KEY|AUTH|_URL/.test(name) && value !== null,
    )
    expect(sensitive.length).toBeGreaterThan(10)
    for (const [, value] of sensitive) expect(value).toMatch(/\$\{[A-Z0-9_]+:\?is not set\}/)
    // Between them the instances differ in nothing.
    expect(app1.environment).toEqual(app2.environment)
  })

  test('gives the instances settings that the program takes', () => {
    const given = Object.entries(app1.environment)
      .map(([name, value]) => [name, value?.replaceAll(/\$\{.+?\}/g, '0123456789abcdef'.repeat(4))])
      .filter(([, value]) => value)
    const config = loadConfig(Object.fromEntries(given))
    // A name that is no setting would be left out.
    expect(given.filter(([name]) => !(`${name}` in config))).toEqual([])
    expect(config.TRUSTED_PROXIES).toEqual([addressOf(nginx) ?? '?'])
    expect(s3Settings(config)).toMatchObject({ bucket: 'fcs-files', forcePathStyle: true })
  })

  test('waits for an instance to stop as long as the program may take', () => {
    for (const { stop_grace_period } of [app1, app2]) {
      expect(Number(/^(\d+)s$/.exec(stop_grace_period)?.[1])).toBeGreaterThan(10)
    }
  })

  test('has the file server keep the bucket and the keys that the instances use', () => {
    const { environment: app } = app1
    expect([app.S3_BUCKET, app.S3_ACCESS_KEY_ID, app.S3_SECRET_ACCESS_KEY]).toEqual([
      s3.environment.GARAGE_DEFAULT_BUCKET,
      s3.environment.GARAGE_DEFAULT_ACCESS_KEY,
      s3.environment.GARAGE_DEFAULT_SECRET_KEY,
    ] as (string | null | undefined)[])
  })
})

test('the Garage of docker-compose.scale.yml listens where the instances look for it', async () => {
  const garage = z
    .object({ s3_api: z.object({ s3_region: z.string(), api_bind_addr: z.string() }) })
    .parse(Bun.TOML.parse(await read('deploy/garage.toml')))
  expect(garage.s3_api.s3_region).toBe(app1.environment.S3_REGION ?? '?')
  const port = garage.s3_api.api_bind_addr.split(':')[1]
  expect(app1.environment.S3_ENDPOINT).toBe(`http://s3:${port}`)
})
