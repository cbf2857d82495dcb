import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { createDatabase } from '../kit/postgres.ts'
import { folders, type Service, service } from '../kit/service.ts'

const scripts = join(import.meta.dir, '../../scripts')
const kept = folders()
let database: Awaited<ReturnType<typeof createDatabase>>
let running: Service

beforeAll(async () => {
  database = await createDatabase()
  const folder = await kept.create()
  running = await service(folder, { DATABASE_URL: database.url, DATA_DIR: join(folder, 'data') })
})
afterAll(async () => {
  await running.end()
  await database.drop()
  await kept.remove()
})

async function bash(script: string, env: Record<string, string>) {
  const child = Bun.spawn(['bash', join(scripts, script)], {
    env: { ...process.env, no_proxy: '127.0.0.1', ...env },
    stderr: 'pipe',
  })
  const output = await new Response(child.stdout).text()
  const errors = await new Response(child.stderr).text()
  return { code: await child.exited, output, errors, lines: output.trim().split('\n') }
}

test('scripts/verify.sh finds a running service as promised', async () => {
  const { code, lines } = await bash('verify.sh', { API: running.url })
  expect(lines.filter((line) => !line.startsWith('passed  '))).toEqual(['30 passed, 0 failed'])
  expect(code).toBe(0)
})

test('scripts/examples.sh runs every call of the README to its end', async () => {
  const { code, errors, lines } = await bash('examples.sh', { API: running.url })
  expect([code, errors]).toEqual([0, ''])
  const answers = lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  expect(answers.length).toBe(13)
  const log = answers.at(-1).data
  expect(log.logs.map((use: { status_code: number }) => use.status_code)).toEqual([
    401, 403, 200, 200, 201, 200, 200, 200,
  ])
})

test('scripts/verify.sh exits 1 where nothing runs', async () => {
  const { code, lines } = await bash('verify.sh', { API: 'http://127.0.0.1:1' })
  expect(lines.at(-1)).toContain('0 passed, 1 failed')
  expect(code).toBe(1)
})

test('scripts/verify.sh exits 1 when the service does not do what it should', async () => {
  // Another service: healthy, and nothing else.
  const other = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: ({ url }) => Response.json(url.endsWith('/health') ? { status: 'ok' } : { data: {} }),
  })
  const { code, lines } = await bash('verify.sh', { API: other.url.origin })
  await other.stop()
  expect(code).toBe(1)
  expect(lines.at(-1)).toMatch(/^\d+ passed, [1-9]\d* failed$/)
})
