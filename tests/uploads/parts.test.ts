// What of uploads depends on where their bytes are, over each such place.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { FILES, fcsBytes } from '../files/kit.ts'
import { idOf, UPLOADS } from './kit.ts'
import { PARTS, type UploadsIn, uploadsIn } from './places.ts'

const whole = fcsBytes()
const half = Math.floor(whole.length / 2)
const fileOf = (at: string) => `${FILES}/${idOf(at)}`

describe.each(PARTS)('parts in %s:', (kind) => {
  let on: UploadsIn
  beforeAll(async () => {
    on = await uploadsIn(kind)
  })
  afterAll(() => on.close())

  /** Resolves when the file is ready or has failed, to what is shown of it. */
  async function finished(at: string) {
    await on.owner.get(`${fileOf(at)}/progress`)
    return (await on.owner.get(fileOf(at))).body.data
  }

  test('an upload in two pieces becomes the file that the same bytes become at once', async () => {
    const at = await on.tus.begun(whole.length, 'in pieces.fcs')
    expect(at).toStartWith(`${UPLOADS}/`)
    expect((await on.tus.head(at)).headers.get('upload-offset')).toBe('0')
    const first = await on.tus.piece(at, 0, whole.slice(0, half))
    expect([first.status, first.headers.get('upload-offset')]).toEqual([204, String(half)])
    expect(Date.parse(first.headers.get('upload-expires') ?? '') - Date.now()).toBeGreaterThan(86e6)
    expect((await on.owner.get(fileOf(at))).status).toBe(404)
    const last = await on.tus.piece(at, half, whole.slice(half))
    expect([last.status, last.headers.has('upload-expires')]).toEqual([204, false])

    const { id, filename, created_at, ...file } = await finished(at)
    expect([id, filename]).toEqual([idOf(at), 'in pieces.fcs'])
    const atOnce = (await on.owner.get(`${FILES}/${await on.owner.file(whole)}`)).body.data
    expect(atOnce).toMatchObject({ ...file, status: 'ready' })
    const bytes = await on.api.app.handle(
      on.api.request('GET', `${fileOf(at)}/download`, { bearer: on.owner.bearer }),
    )
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(whole)
    expect(await on.place.ids()).toEqual([])
  })

  test('an upload whose service died after the last byte is finished once its client asks', async () => {
    const at = await on.tus.begun(whole.length)
    await on.place.late(idOf(at), whole)
    expect((await on.tus.head(at)).headers.get('upload-offset')).toBe(String(whole.length))
    expect((await finished(at)).status).toBe('ready')
  })

  test('bytes of another place are refused and change nothing', async () => {
    const at = await on.tus.begun(whole.length)
    await on.tus.piece(at, 0, whole.slice(0, half))
    for (const offset of [0, half - 1, half + 1]) {
      const refused = await on.tus.piece(at, offset, whole.slice(0, 9))
      expect([refused.status, refused.body.success, refused.headers.get('tus-resumable')]).toEqual([
        ...[409, false, '1.0.0'],
      ])
    }
    expect((await on.tus.piece(at, half, new Uint8Array(whole.length))).status).toBe(413)
    expect((await on.tus.head(at)).headers.get('upload-offset')).toBe(String(half))
  })

  test('an upload that is given up is gone with its bytes', async () => {
    const at = await on.tus.begun(whole.length)
    await on.tus.piece(at, 0, whole.slice(0, half))
    expect(await on.place.ids()).toContain(idOf(at))
    expect((await on.tus.end(at)).status).toBe(204)
    expect((await on.tus.head(at)).status).toBe(404)
    expect(await on.place.ids()).not.toContain(idOf(at))
  })

  test('a client that comes back is let in before the connection that it gave up has ended', async () => {
    const at = await on.tus.begun(whole.length)
    const silent = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(whole.slice(0, half)),
    })
    const given = on.tus.piece(at, 0, silent)
    const held = async () =>
      (await on.api.sql`select from uploads where id = ${idOf(at)} and holder is not null`)
        .length === 1
    while (!(await held())) await Bun.sleep(5)
    const head = await on.tus.head(at)
    expect(head.headers.get('upload-offset')).toBe(String(half))
    await given
    expect((await on.tus.piece(at, half, whole.slice(half))).status).toBe(204)
  })
})
