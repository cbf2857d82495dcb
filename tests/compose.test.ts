import { afterAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { composeService } from './kit/compose.ts'
import { instructions } from './kit/image.ts'

const project = resolve(import.meta.dir, '..')
const read = (name: string) => readFile(join(project, name), 'utf8')
const scratch = await mkdtemp(join(tmpdir(), 'pat-auth-compose-'))
afterAll(() => rm(scratch, { recursive: true }))

const image = new Map(
  instructions(await read('Dockerfile')).map(({ keyword, value }) => [keyword, value]),
)

const service = composeService.extend({
  networks: z.array(z.string()).default([]),
  volumes: z.array(z.string()),
  healthcheck: z.object({ test: z.string() }).optional(),
  entrypoint: z.array(z.string()).default([]),
})
const compose = z
  .object({
    services: z.strictObject({ app: service, db: service, secrets: service }),
    networks: z.record(z.string(), z.object({ internal: z.boolean() })),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(Bun.YAML.parse(await read('docker-compose.yml')))
const { app, db, secrets } = compose.services

describe('docker-compose.yml', () => {
  test('keeps the database in postgres_data and everything else in named volumes, too', () => {
    expect(db.image).toBe('postgres:15-alpine')
    expect(db.volumes).toContain('postgres_data:/var/lib/postgresql/data')
    expect(app.volumes).toContain(`app_data:${image.get('VOLUME')}`)
    const mounted = [app, db, secrets].flatMap(({ volumes }) => volumes)
    const sources = new Set(mounted.map((volume) => volume.split(':')[0]))
    expect([...sources].sort()).toEqual(Object.keys(compose.volumes).sort())
  })

  test('starts the service when the database is healthy and the secrets are made', () => {
    expect(app.depends_on).toEqual({
      db: { condition: 'service_healthy' },
      secrets: { condition: 'service_completed_successfully' },
    })
    expect(db.depends_on).toEqual({ secrets: { condition: 'service_completed_successfully' } })
  })

  test('asks the health of both, the service by the same question as its image', () => {
    expect(app.healthcheck?.test).toBe(image.get('HEALTHCHECK')?.replace(/^.* CMD /, '') ?? '')
    // Over TCP, since the server that sets the database up listens on its socket alone.
    expect(db.healthcheck?.test).toStartWith('pg_isready -h 127.0.0.1 ')
  })

  test('publishes the service on port 8000 and leaves the database without a way out', () => {
    expect(app.ports).toEqual(['8000:8000'])
    expect([...db.ports, ...secrets.ports]).toEqual([])
    expect(app.networks).toEqual(['default', 'database'])
    expect(db.networks).toEqual(['database'])
    expect(compose.networks).toEqual({ database: { internal: true } })
  })

  test.each(Object.entries(compose.services))(
    'gives %s a read-only root and no rights',
    (_, it) => {
      expect(it.read_only).toBe(true)
      expect([it.tmpfs].flat()).toContain('/tmp')
      expect(it.cap_drop).toEqual(['ALL'])
      expect(it.cap_add).toEqual(it === secrets ? ['CHOWN'] : [])
      expect(it.security_opt).toEqual(['no-new-privileges:true'])
    },
  )

  test('starts the database as its own user, with no root to step down from', () => {
    expect(db.user).toBe('postgres')
  })

  test('brings both back after a restart and gives them time to end', () => {
    for (const it of [app, db]) {
      expect(it.restart).toBe('unless-stopped')
      expect(Number(/^(\d+)s$/.exec(it.stop_grace_period)?.[1])).toBeGreaterThan(10)
    }
  })

  test('holds no secret: it names files that hold them, or hands on what the caller set', () => {
    const settings = [app, db, secrets].flatMap(({ environment }) => Object.entries(environment))
    const sensitive = settings.filter(([name]) => /PASSWORD|SECRET|KEY|URL/.test(name))
    expect(sensitive).toEqual([
      ['DATABASE_URL_FILE', '/secrets/database/url'],
      ['SECRET_KEY', null],
      ['SECRET_KEY_PREVIOUS', null],
      ['S3_ACCESS_KEY_ID', null],
      ['S3_SECRET_ACCESS_KEY', null],
      ['POSTGRES_PASSWORD_FILE', '/secrets/database/password'],
    ])
  })
})

describe('the secrets of docker-compose.yml', () => {
  /** Runs the service's own script with its volume at `volume`; owners are noted, not given. */
  const make = async (volume: string) => {
    const script = (secrets.command[0] ?? '').replaceAll('$$', '$').replaceAll('/secrets', volume)
    const note = `chown() { echo "$1 \${2##*/}" >> '${volume}/owners'; }`
    const shell = Bun.spawn([...secrets.entrypoint, `${note}\n${script}`])
    expect(await shell.exited).toBe(0)
  }
  const both = (volume: string) =>
    Promise.all(['password', 'url'].map((name) => readFile(join(volume, 'database', name), 'utf8')))

  test('are made once, each readable by its one reader, and fit each other', async () => {
    const volume = await mkdtemp(join(scratch, 'secrets-'))
    await make(volume)
    const [password = '', url = ''] = await both(volume)
    expect(password).toMatch(/^[0-9a-f]{64}$/)
    const { POSTGRES_USER, POSTGRES_DB } = db.environment
    expect(url).toBe(`postgres://${POSTGRES_USER}:${password}@db:5432/${POSTGRES_DB}`)
    expect(await readFile(join(volume, 'owners'), 'utf8')).toBe('postgres password\n1000 url\n')
    for (const name of ['password', 'url']) {
      expect((await stat(join(volume, 'database', name))).mode & 0o777).toBe(0o400)
    }
    await make(volume)
    expect(await both(volume)).toEqual([password, url])
    expect((await readdir(join(volume, 'database'))).sort()).toEqual(['password', 'url'])
  })

  test('are made whole after a first try that was cut short', async () => {
    const volume = await mkdtemp(join(scratch, 'secrets-'))
    await mkdir(join(volume, 'new'))
    await writeFile(join(volume, 'new', 'password'), 'half')
    await make(volume)
    expect((await both(volume))[0]).toHaveLength(64)
    expect((await readdir(volume)).sort()).toEqual(['database', 'owners'])
  })
})
