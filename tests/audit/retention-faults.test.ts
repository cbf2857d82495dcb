// What fails on the way of a month from the log into a file: nothing is lost, and a later pass does it.
import { expect, test } from 'bun:test'
import { readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres, { type TransactionSql } from 'postgres'
import { SERVICE_ROLE } from '../../src/service-role.ts'
import type { Staged, Storage } from '../../src/storage/storage.ts'
import { createDatabase } from '../kit/postgres.ts'
import { startS3 } from '../kit/s3.ts'
import { BEST_S3 } from '../kit/s3-kinds.ts'
import { until } from '../kit/service.ts'
import { bucketStorage } from '../storage/kit.ts'
import { monthsAgo, retention, rowsOf } from './retention-kit.ts'

const at = retention()
const { start, pass, makeMonth, exists, use, useLate, log, rowsIn, whileRead } = at

const NOT_RETIRED = { level: 'warn', event: 'audit month not retired' }
/** A month of three uses. */
const someUses = async (month = monthsAgo(4)) => {
  await makeMonth(month)
  await use(month, 3)
  return month
}
/** Leaves its export, whose name it gives back, and not the drop. */
const exportOnly = async () => {
  await whileRead(async () => void (await pass()))
  const [file = ''] = await readdir(at.folder)
  return file
}

/** Halts where `reached` resolves, until it may go on. */
const gate = () => {
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  return {
    reached: reached.promise,
    goOn: goOn.resolve,
    pass() {
      reached.resolve()
      return goOn.promise
    },
  }
}
test('an export that was broken off is made anew, and what there was of it goes', async () => {
  const month = await someUses()
  await writeFile(join(at.folder, 'broken-off'), 'half of it')
  await at.app
    .sql`insert into audit_exports (file, month) values ('broken-off', ${month}::text::date)`
  const [line] = await pass()
  expect(line).toMatchObject({ rows: 3 })
  expect(await readdir(at.folder)).toEqual([line?.file ?? ''])
})

test('an export is known before there is anything of it, so that no crash leaves one that nobody knows', async () => {
  await someUses()
  const known: number[] = []
  const stage = async (file: string) => {
    known.push((await at.app.sql`select from audit_exports where file = ${file}`).length)
    return at.storage.stage(file)
  }
  expect(await pass({ storage: { ...at.storage, stage } })).toMatchObject([{ rows: 3 }])
  expect(known).toEqual([1])
})

test.each([
  ['is gone', 3, (path: string) => rm(path)],
  ['was changed', 3, (path: string) => writeFile(path, 'something else')],
  [
    'holds fewer rows than its record says',
    4,
    async (_: string, month: string) => {
      await useLate(month)
      await at.app.sql`update audit_exports set rows = rows + 1 where dropped_at is null`
    },
  ],
  [
    'has another sum than its record says',
    3,
    async () => {
      await at.app.sql`update audit_exports set sha256 = 'another' where dropped_at is null`
    },
  ],
])('a month whose export %s stays until another one is whole', async (_, rows, damage) => {
  const month = await someUses()
  const first = await exportOnly()
  await damage(join(at.folder, first), month)
  expect(await pass()).toMatchObject([NOT_RETIRED])
  expect(await exists(month)).toBe(true)
  const [line] = await pass()
  expect(line).toMatchObject({ event: 'audit month retired', rows })
  expect(await readdir(at.folder)).toEqual([line?.file ?? ''])
  expect(await rowsIn(line?.file)).toHaveLength(rows)
})

test('a month that got rows after its export is exported again before it goes', async () => {
  const month = await someUses()
  await exportOnly()
  await useLate(month)
  expect(await pass()).toMatchObject([NOT_RETIRED])
  const [line] = await pass()
  expect(line).toMatchObject({ rows: 4 })
  expect((await rowsIn(line?.file)).map(({ endpoint }) => endpoint)).toContain('/late')
})

test('while a month is counted nobody adds to it, or puts another export in the place of its own', async () => {
  const month = await someUses()
  // So that it waits where it would give up.
  await at.app.sql`alter function audit_log_drop_month set lock_timeout = '20s'`
  let passing: ReturnType<typeof pass> | undefined
  await at.app.sql.begin(async (other) => {
    await other`select from token_uses where month = ${month}::text::date for update`
    passing = pass()
    await until(async () => (await at.waiting('audit_log_drop_month')) > 0)
    const waits = (work: (tx: TransactionSql) => Promise<unknown>) => {
      const tried = at.app.sql.begin(async (tx) => {
        await tx`set local lock_timeout = '50ms'`
        await work(tx)
      })
      return expect(tried).rejects.toMatchObject({ code: '55P03' })
    }
    await waits((tx) => useLate(month, tx))
    await waits((tx) => tx`update audit_exports set file = 'another' where dropped_at is null`)
  })
  expect(await passing).toMatchObject([{ event: 'audit month retired', rows: 3 }])
  await at.app.sql`alter function audit_log_drop_month set lock_timeout = '100ms'`
})

test('a month may take longer to count than a request may take', async () => {
  await someUses()
  await at.app.sql`
    create function take_long() returns trigger language plpgsql as $$ begin
      if current_setting('statement_timeout') <> '0' then raise query_canceled; end if;
      return null;
    end $$`
  await at.app.sql`
    create trigger take_long before delete on token_uses for each statement execute function take_long()`
  expect(await pass()).toMatchObject([{ event: 'audit month retired', rows: 3 }])
  await at.app.sql`drop function take_long cascade`
})

test('a pass may take longer than a transaction may be idle', async () => {
  const database = await createDatabase()
  const connection = { role: SERVICE_ROLE, idle_in_transaction_session_timeout: 100 }
  const sql = postgres(database.url, { max: 2, connection })
  const other = postgres(database.url, { max: 1, connection })
  const { reached, goOn, pass: halts } = gate()
  const { lines, first, stop } = start({
    sql,
    storage: { ...at.storage, tidy: () => halts().then(() => 0) },
  })
  await reached
  const ended = other.begin((tx) => tx`select`.then(() => new Promise(() => {})))
  await expect(ended).rejects.toThrow()
  goOn()
  await first
  await stop()
  expect(lines).toEqual([])
  await Promise.all([sql.end(), other.end()])
  await database.drop()
})

test('where the storage fails the month stays, and the next one goes', async () => {
  const [broken, next] = [await someUses(monthsAgo(5)), await someUses(monthsAgo(4))]
  const stage = async (file: string): Promise<Staged> => {
    const staged = await at.storage.stage(file)
    const write = () => Promise.reject(new Error('away'))
    return file.startsWith(`audit_log_${broken.slice(0, 7)}`) ? { ...staged, write } : staged
  }
  const tidy = () => Promise.reject(new Error('away'))
  const lines = await pass({ storage: { ...at.storage, stage, tidy } })
  expect(lines).toMatchObject([
    { ...NOT_RETIRED, month: broken, error: 'Error: away' },
    { event: 'audit month retired', month: next },
  ])
  expect(await readdir(at.folder)).toEqual([lines[1]?.file ?? ''])
  expect((await log()).total_logs).toBe(3)
  expect(await pass()).toMatchObject([{ event: 'audit month retired', month: broken, rows: 3 }])
})

test('what a kill has left of a file under way goes once it is old', async () => {
  const [old, young] = ['old.part', 'young.part'].map((name) => join(at.folder, name))
  const hoursAgo = new Date(Date.now() - 2 * 3_600_000)
  for (const path of [old ?? '', young ?? '']) await writeFile(path, 'half of it')
  await utimes(old ?? '', hoursAgo, hoursAgo)
  await pass()
  expect(await readdir(at.folder)).toEqual(['young.part'])
})

const halted: [string, (storage: Storage, halt: () => Promise<void>) => Storage][] = [
  [
    'written',
    (storage, halt) => ({
      ...storage,
      async stage(file) {
        const staged = await storage.stage(file)
        return { ...staged, write: (chunk) => halt().then(() => staged.write(chunk)) }
      },
    }),
  ],
  [
    'read back',
    (storage, halt) => ({
      ...storage,
      source(file, size) {
        const source = storage.source(file, size)
        return { size, read: (from, length) => halt().then(() => source.read(from, length)) }
      },
    }),
  ],
]
test.each(halted)(
  'a stop while an export is %s breaks it off, and says nothing',
  async (what, halt) => {
    const months = [await someUses(monthsAgo(5)), await someUses(monthsAgo(4))]
    const { reached, goOn, pass: halts } = gate()
    const { lines, stop } = start({ storage: halt(at.storage, halts) })
    await reached
    const stopped = stop()
    goOn()
    await stopped
    expect(lines).toEqual([])
    expect([await exists(months[0] ?? ''), await exists(months[1] ?? '')]).toEqual([true, true])
    const left = await readdir(at.folder)
    expect(left).toHaveLength(what === 'written' ? 0 : 1)
    const files = (await pass()).map(({ file = '' }) => file)
    // What was whole is not made again.
    expect((await readdir(at.folder)).toSorted()).toEqual(files.toSorted())
    expect(files).toEqual(expect.arrayContaining(left))
  },
)

test('in S3 it is as in a folder: kept beside the files, read back, and made anew when it is gone', async () => {
  const server = await startS3(BEST_S3)
  const { storage, remove } = await bucketStorage(server, undefined, undefined, 'audit/')
  const month = await someUses()
  await whileRead(async () => void (await pass({ storage })))
  const [first = ''] = await server.keys()
  await storage.remove(first.slice('audit/'.length))
  expect(await pass({ storage })).toMatchObject([NOT_RETIRED])
  const [line] = await pass({ storage })
  expect(line).toMatchObject({ event: 'audit month retired', month, rows: 3 })
  expect(await server.keys()).toEqual([`audit/${line?.file}`])
  const size = line?.sizeBytes ?? 0
  const bytes = await storage.source(line?.file ?? '', size).read(0, size)
  expect(rowsOf(Uint8Array.from(bytes))).toHaveLength(3)
  await server.stop()
  await remove()
})
