// What docs/operations.md says that a user of Redis needs is enough for all that the limits do.
import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { redisStore } from '../../src/plugins/rate-limit/index.ts'
import { redisRecent } from '../../src/recent-keys.ts'
import { openRedis } from '../../src/redis.ts'
import { REDIS_KINDS, testRedis } from '../kit/redis.ts'

/** The rights as the docs have them: commands, and a pattern of keys. */
async function documented() {
  const text = await Bun.file(join(import.meta.dir, '../../docs/operations.md')).text()
  const [, list = '', keys = ''] = /its ACL needs ([^.]+), on keys `(.+?)`/.exec(text) ?? []
  return [`~${keys}`, ...(list.match(/\b[A-Z]{2,}\b/g) ?? []).map((name) => `+${name}`)]
}

const ends: (() => unknown)[] = []
afterAll(() => Promise.all(ends.map((end) => end())))

for (const { kind, isThere, unlessThere } of REDIS_KINDS)
  test.skipIf(!isThere)(
    `a user of ${kind} with the documented rights, and no others, can count${unlessThere}`,
    async () => {
      const rights = await documented()
      expect(rights.length).toBeGreaterThan(10)
      const redis = await testRedis(['--user', 'pat', 'on', '>word', ...rights], kind)
      ends.push(redis.end)
      const ours = await openRedis(`${redis.url}?db=1`, () => {})
      const its = await openRedis(redis.url.replace('//', '//pat:word@').concat('?db=1'), () => {})
      ends.push(its.close, ours.close)
      const { send } = its
      const store = redisStore({ send, name: 'pat-auth:some', limit: 3, windowSeconds: 60 })

      const now = Date.now() * 1000
      await ours.send(['RPUSH', 'pat-auth:some:{a}', String(now - 90_000_000), String(now)])
      expect(await store.hit('a')).toMatchObject({ allowed: true, remaining: 1 })
      await store.takeBack('a', { allowed: true, remaining: 1, resetSeconds: 60 })
      await ours.send(['RPUSH', 'pat-auth:some:{b}', String(now + 90_000_000)])
      expect(await store.hit('b')).toMatchObject({ allowed: true, remaining: 1 })

      const recent = redisRecent({ send, key: 'pat-auth:recent' })
      await recent.add('a')
      expect([await recent.has('a'), await recent.has('b')]).toEqual([true, false])
      await expect(send(['GET', 'pat-auth:a'])).rejects.toThrow('NOPERM')
      await expect(send(['LLEN', 'others'])).rejects.toThrow('NOPERM')
    },
  )
