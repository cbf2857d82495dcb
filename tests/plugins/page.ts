// docs/plugins.md as a stranger uses it: its examples in a project of their own, which depends on this package.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { testServer } from '../kit/postgres.ts'

const root = join(import.meta.dir, '../..')
const page = await Bun.file(join(root, 'docs/plugins.md')).text()

/** Of each plugin: the code of its example, and the names of its migrations. */
export const sections = new Map(
  page
    .split(/^## `pat-auth-system\//m)
    .slice(1)
    .map((section) => {
      const [, code = ''] = /```ts\n(.*?)```/s.exec(section) ?? []
      const [, listed = ''] = /^Migrations: (.*?)\./m.exec(section) ?? []
      const migrations = [...listed.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)
      return [section.slice(0, section.indexOf('`')), { code, migrations }] as const
    }),
)

/** A project with every example as `<plugin>.ts`; it has this package, its peers and nothing else. */
export async function strangersProject(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'pat-plugins-'))
  const modules = join(folder, 'node_modules')
  await mkdir(modules)
  // Or a package.json further up would say which package this is.
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'stranger' }))
  await symlink(root, join(modules, 'pat-auth-system'))
  for (const name of ['elysia', 'postgres', 'bun-types']) {
    await symlink(join(root, 'node_modules', name), join(modules, name))
  }
  for (const [name, { code }] of sections) await writeFile(join(folder, `${name}.ts`), code)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['*.ts'] }),
  )
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

/** A database with the migrations that the page names for this plugin, and nothing else. */
export async function databaseFor(plugin: string) {
  const { url } = await testServer()
  const admin = postgres(url, { max: 1 })
  const name = `plugin_${plugin}`
  await admin`create database ${admin(name)}`
  const sql = postgres(new URL(`/${name}`, url).href, { max: 2 })
  for (const migration of sections.get(plugin)?.migrations ?? []) {
    const { up } = await import(`pat-auth-system/migrations/${migration}`)
    await up(sql)
  }
  return {
    sql,
    async drop() {
      await sql.end()
      await admin`drop database ${admin(name)}`
      await admin.end()
    },
  }
}
