import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { FILES, fcsBytes } from '../files/kit.ts'
import { until } from '../kit/service.ts'
import { idOf } from './kit.ts'
import { PARTS, type UploadsIn, uploadsIn } from './places.ts'

const whole = fcsBytes()

describe.each(PARTS)('parts in %s:', (kind) => {
  let on: UploadsIn
  beforeAll(async () => {
    on = await uploadsIn(kind)
  })
  afterAll(() => on.close())

  const ids = async () =>
    (await on.api.sql<{ id: string }[]>`select id from uploads`).map(({ id }) => id)
  const age = (at: string, interval: string) =>
    on.api
      .sql`update uploads set expires_at = expires_at - ${interval}::interval where id = ${idOf(at)}`
  const sweep = () => on.api.app.decorator.uploadSweep.once()

  test('an upload without a byte for a day is gone with its bytes, and one of that day is not', async () => {
    const [old, young] = [await on.tus.begun(whole.length), await on.tus.begun(whole.length)]
    for (const at of [old, young]) await on.tus.piece(at, 0, whole.slice(0, 9))
    await age(old, '24 hours')
    await age(young, '23 hours 59 minutes')
    expect((await on.tus.head(old)).status).toBe(404)
    expect((await on.tus.piece(old, 9, whole.slice(9))).status).toBe(404)
    await sweep()
    expect(await on.place.ids()).toEqual([idOf(young)])
    expect(await ids()).toEqual([idOf(young)])

    // A look at it is no byte; a byte is.
    expect((await on.tus.head(young)).status).toBe(200)
    const kept = async () =>
      (await on.api.sql`select expires_at > now() + interval '23 hours' as long from uploads`)[0]
        ?.long
    expect(await kept()).toBe(false)
    await on.tus.piece(young, 9, whole.slice(9, 10))
    expect(await kept()).toBe(true)
    await age(young, '24 hours')
    await sweep()
    expect(await on.place.ids()).toEqual([])
  })

  test('bytes on their way keep an upload that began long ago', async () => {
    const at = await on.tus.begun(whole.length)
    await on.api.sql`
    update uploads set expires_at = now() - interval '1 hour', held_until = now() + interval '9 seconds'
    where id = ${idOf(at)}`
    await sweep()
    expect(await ids()).toEqual([idOf(at)])
    await on.api.sql`update uploads set held_until = now()`
    await sweep()
    expect(await ids()).toEqual([])
  })

  test('a day after it became one, a file is all that is left', async () => {
    const at = await on.tus.begun(whole.length)
    await on.tus.piece(at, 0, whole)
    const file = `${FILES}/${idOf(at)}`
    await on.owner.get(`${file}/progress`)
    await age(at, '24 hours')
    await sweep()
    expect(await ids()).toEqual([])
    expect((await on.owner.get(file)).body.data.status).toBe('ready')
  })

  test('while one instance sweeps another one leaves it to that', async () => {
    const at = await on.tus.begun(whole.length)
    await age(at, '24 hours')
    await on.api.sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(7228053314)`
      await sweep()
      expect(await ids()).toEqual([idOf(at)])
    })
    await sweep()
    expect(await ids()).toEqual([])
  })

  test('bytes that come after their upload was given up are removed with its row', async () => {
    const at = await on.tus.begun(whole.length)
    await on.tus.piece(at, 0, whole.slice(0, 9))
    expect((await on.tus.end(at)).status).toBe(204)
    expect([(await on.tus.head(at)).status, await on.place.ids()]).toEqual([404, []])
    await on.place.late(idOf(at), whole)
    await sweep()
    expect(await ids()).toEqual([idOf(at)])
    await on.api.sql`update uploads set held_until = now()`
    await sweep()
    expect([await ids(), await on.place.ids()]).toEqual([[], []])
  })

  test('a request that waits for an upload hears that it was given up', async () => {
    const at = await on.tus.begun(whole.length)
    await on.api.sql`
      update uploads set holder = gen_random_uuid(), held_until = now() + interval '9 seconds'
      where id = ${idOf(at)}`
    const waiting = on.tus.head(at)
    await until(
      async () =>
        (await on.api.sql`select from uploads where id = ${idOf(at)} and wanted`).length === 1,
    )
    await age(at, '24 hours')
    expect((await waiting).status).toBe(404)
    await on.api.sql`update uploads set held_until = now()`
    await sweep()
  })
})
