// Bytes without a file, files without bytes, and a sweep that is in nobody's way.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { ownFiles } from '../../src/files/files.ts'
import { sweep } from '../../src/files/sweep.ts'
import { createLog } from '../../src/log.ts'
import { cytometrist, FILES, fcsBytes, RAW, UPLOAD } from '../files/kit.ts'
import { type TestApp, testApp } from '../kit/app.ts'
import { BEST_S3 } from '../kit/s3-kinds.ts'
import { bytesOf, type Kind, keep, type Place, place } from './kit.ts'

setDefaultTimeout(30_000)

const PLACES: Kind[] = ['local', BEST_S3]

describe.each(PLACES)('a sweep of %s', (kind) => {
  let at: Place
  let api: TestApp
  let me: Awaited<ReturnType<typeof cytometrist>>
  beforeAll(async () => {
    at = await place(kind)
    api = await testApp({ storage: at.storage })
    me = await cytometrist(api)
  })
  afterAll(async () => {
    await api.close()
    await at.remove()
  })

  /** What the log says of a sweep, by event. */
  const swept = async (options: { graceSeconds?: number } = {}) => {
    const lines: string[] = []
    const log = createLog('debug', (line) => lines.push(line))
    await sweep({ sql: api.pool, storage: at.storage, log, ...options })
    return Object.fromEntries(
      lines.map((line) => JSON.parse(line)).map((line) => [line.event, line]),
    )
  }
  const leftovers = () => api.sql`select id, claimed from fcs_leftovers`
  const anHourPasses = () => api.sql`update fcs_leftovers set since = since - interval '61 minutes'`

  test('removes what a crash has left between the bytes and the row, an hour later', async () => {
    const files = ownFiles(api.pool)
    const id = crypto.randomUUID()
    const staged = await at.storage.stage(id)
    await staged.write(fcsBytes())
    await files.announce(id)
    await staged.commit()
    expect(await swept()).toEqual({})
    expect(await at.names()).toEqual([id])
    await anHourPasses()
    expect(await swept()).toMatchObject({ 'storage swept': { removed: 1, abandoned: 0 } })
    expect(await at.names()).toEqual([])
    expect(await leftovers()).toBeEmpty()
  })

  test('removes the bytes of a file that could not be removed when it was deleted', async () => {
    const failing = await testApp({
      sql: api.pool,
      storage: { ...at.storage, remove: () => Promise.reject(new Error('away')) },
    })
    const id = await me.file()
    expect((await failing.call('DELETE', `${FILES}/${id}`, { bearer: me.bearer })).status).toBe(200)
    await failing.close()
    expect((await me.get(`${FILES}/${id}`)).status).toBe(404)
    expect(await at.names()).toEqual([id])
    await anHourPasses()
    await swept()
    expect(await at.names()).toEqual([])
    expect(await leftovers()).toBeEmpty()
  })

  test('keeps an id that is given up from being announced again, as by a second try, until its bytes are gone', async () => {
    const files = ownFiles(api.pool)
    const id = crypto.randomUUID()
    await files.announce(id)
    await files.announce(id)
    await files.forget(me.user.id, id)
    await expect(files.announce(id)).rejects.toThrow()
    await files.released(id)
    await files.announce(id)
    await files.forget(me.user.id, id)
    await files.released(id)
  })

  test('says which files have lost their bytes, and keeps their rows', async () => {
    const [lost, kept] = [await me.file(), await me.file()]
    await at.other.remove(lost)
    expect(await swept()).toMatchObject({
      'bytes of files are lost': { level: 'error', files: 1, ids: [lost] },
    })
    expect((await me.get(`${FILES}/${lost}`)).status).toBe(200)
    expect((await me.get(`/api/v1/fcs/events?file_id=${lost}`)).status).toBe(410)
    expect((await me.get(`/api/v1/fcs/events?file_id=${kept}`)).status).toBe(200)
    for (const id of [lost, kept]) await api.call('DELETE', `${FILES}/${id}`, { bearer: me.bearer })
    expect(await swept()).toEqual({})
  })

  test('says which bytes the database has never heard of, and leaves them', async () => {
    const strays = [await keep(at.other, bytesOf(10)), await keep(at.other, bytesOf(10))]
    const kept = await me.file()
    expect(await swept()).toMatchObject({
      'bytes that belong to no file': { level: 'warn', files: 2, ids: strays.toSorted() },
    })
    expect((await at.names()).toSorted()).toEqual([...strays, kept].toSorted())
    for (const id of strays) await at.other.remove(id)
    await api.call('DELETE', `${FILES}/${kept}`, { bearer: me.bearer })
  })

  test('gives up an upload that stands still before its row, which is then refused and leaves nothing', async () => {
    let beforeCommit: () => Promise<unknown> = async () => {}
    const slow = await testApp({
      sql: api.pool,
      storage: {
        ...at.storage,
        async stage(id) {
          const staged = await at.storage.stage(id)
          return { ...staged, commit: () => beforeCommit().then(() => staged.commit()) }
        },
      },
    })
    const upload = () =>
      slow.call('POST', `${UPLOAD}?filename=a.fcs`, {
        ...{ bearer: me.bearer, body: fcsBytes(), headers: RAW },
      })
    beforeCommit = () => anHourPasses().then(() => swept())
    const answer = await upload()
    expect([answer.status, answer.body.message]).toEqual([
      503,
      'The upload could not be kept in time: send it again',
    ])
    expect(await at.names()).toEqual([])
    expect(await api.sql`select id from fcs_files`).toBeEmpty()
    beforeCommit = async () => {}
    const again = await upload()
    expect(again.status).toBe(201)
    await api.call('DELETE', again.headers.get('location') ?? '', { bearer: me.bearer })
    await slow.close()
  })

  test('is done by one instance at a time', async () => {
    const id = crypto.randomUUID()
    await ownFiles(api.pool).announce(id)
    await anHourPasses()
    await api.sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(${7_230_417_001})`
      expect(await swept()).toEqual({})
    })
    expect(await swept()).toHaveProperty('storage swept')
  })

  test('that never pauses loses no file of an answered 201, and leaves nothing behind', async () => {
    const second = await testApp({ sql: api.pool, storage: at.other })
    let done = false
    const log = createLog('error', (line) => {
      throw new Error(line)
    })
    const sweeping = (async () => {
      // Without any grace: who is swept must fail, and nobody may be lost.
      while (!done) await sweep({ sql: api.pool, storage: at.storage, log, graceSeconds: 0 })
    })()
    const kept: string[] = []
    const statuses = new Set<number>()
    const worker = async (app: TestApp, turns: number) => {
      for (let turn = 0; turn < turns; turn++) {
        const answer = await app.call('POST', `${UPLOAD}?filename=a.fcs`, {
          ...{ bearer: me.bearer, body: fcsBytes(), headers: RAW },
        })
        statuses.add(answer.status)
        if (answer.status !== 201) continue
        const path = answer.headers.get('location') ?? ''
        if (turn % 2) {
          expect((await app.call('DELETE', path, { bearer: me.bearer })).status).toBe(200)
        } else kept.push(path)
      }
    }
    await Promise.all([api, second, api, second].map((app) => worker(app, 16)))
    done = true
    await sweeping
    expect([...statuses].toSorted()).toEqual([201, 503])
    for (const path of kept) {
      const download = await api.app.handle(
        api.request('GET', `${path}/download`, { bearer: me.bearer }),
      )
      expect(await download.bytes()).toEqual(fcsBytes())
    }
    expect(await swept({ graceSeconds: 0 })).toEqual({})
    expect((await at.names()).toSorted()).toEqual(
      kept.map((path) => path.split('/').at(-1) ?? '').toSorted(),
    )
    expect(await leftovers()).toBeEmpty()
    await second.close()
  })
})
