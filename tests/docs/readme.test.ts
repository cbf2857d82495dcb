import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { testApp } from '../kit/app.ts'

const root = join(import.meta.dir, '../..')
const read = (path: string) => Bun.file(join(root, path)).text()

/** The lines of the shell blocks, without comments and blank lines, continued lines joined. */
function commands(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? '')
  return lines(blocks.join(''))
}

function lines(shell: string): string[] {
  return shell
    .replaceAll('\\\n', '')
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
}

const headings = (markdown: string) =>
  [...markdown.replace(/```[\s\S]*?```/g, '').matchAll(/^(#+) /gm)].map(([, level]) => level)
const links = (markdown: string) =>
  [...markdown.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? '')

const english = await read('README.md')
const chinese = await read('README.zh-CN.md')

test('the Chinese README has the headings and the commands of the English one', () => {
  expect(headings(english).length).toBeGreaterThan(5)
  expect(headings(chinese)).toEqual(headings(english))
  expect(commands(chinese)).toEqual(commands(english))
})

test('scripts/examples.sh makes every call of the README, in its order', async () => {
  const calls = commands(english).filter((line) => line.includes('curl'))
  const script = lines(await read('scripts/examples.sh')).filter((line) => line.includes('curl'))
  expect(calls.length).toBe(14)
  expect(script.slice(1)).toEqual(calls)
})

test('the two commands of the README are scripts of the package', async () => {
  const { scripts } = JSON.parse(await read('package.json'))
  for (const name of ['start', 'test']) {
    expect(commands(english)).toContain(`npx -y bun@1.4.5 run ${name}`)
    expect(scripts[`pre${name}`] ?? scripts[name]).toStartWith('bun install --frozen-lockfile')
  }
  expect(await read('.ci/run')).toContain('npx -y bun@1.4.5 run test')
})

const PAGES = ['quickstart', 'api', 'plugins', 'gateways', 'leaks'].map((name) => `docs/${name}.md`)
test.each(['README.md', 'README.zh-CN.md', ...PAGES])(
  'every file that %s points to is there',
  async (page) => {
    const folder = join(root, page, '..')
    const local = links(await read(page)).filter((target) => !target.includes('://'))
    const missing: string[] = []
    for (const target of local) {
      if (!(await Bun.file(join(folder, target)).exists())) missing.push(target)
    }
    expect(missing).toEqual([])
  },
)

test('docs/operations.md lists every setting that the program reads, and no other', async () => {
  const page = await read('docs/operations.md')
  const config = await read('src/config.ts')
  const names = [...config.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name ?? '')
  const rows = [...page.matchAll(/^\| (`[A-Z][A-Z0-9_]+`.*?) \|/gm)].map(([, cell]) => cell ?? '')
  const listed = rows.flatMap((cell) => cell.split(', ').map((name) => name.replaceAll('`', '')))
  expect(names.length).toBeGreaterThan(10)
  expect(listed.sort()).toEqual(names.sort())
})

type Operation = { security: Record<string, unknown>[]; 'x-required-scope'?: string }

/** As docs/api.md says it. */
function askedBy({ security, 'x-required-scope': scope }: Operation): string {
  const kinds = security.flatMap((kind) => Object.keys(kind))
  if (scope !== undefined) return `\`${scope}\``
  if (kinds.includes('introspectionClient'))
    return '`users:read`, or [a client of its own](gateways.md)'
  if (kinds.includes('session')) return 'an access token'
  return kinds.length > 0 ? 'any token' : 'no credential'
}

test('docs/api.md lists every route of the document, and no other, by what it asks for', async () => {
  const api = await testApp()
  const { paths } = (await api.call('GET', '/openapi.json')).body
  await api.close()
  const documented = Object.entries<Record<string, Operation>>(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [
      `${method.toUpperCase()} ${path.replace('/api/v1', '')}`,
      askedBy(operation),
    ]),
  )
  const rows = (await read('docs/api.md')).matchAll(/^\| (.*) \| (`[A-Z]+ \/.*`) \|$/gm)
  const listed = [...rows].flatMap(([, asked = '', routes = '']) =>
    routes.split(', ').map((route) => [route.replaceAll('`', ''), asked]),
  )
  expect(listed.length).toBe(new Set(listed.map(([route]) => route)).size)
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(documented))
})
