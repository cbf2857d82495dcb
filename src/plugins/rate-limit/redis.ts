import { createHash } from 'node:crypto'
import type { AttemptStore } from './memory.ts'

/** Sends one command to Redis. An error that Redis answers with rejects, its message beginning with its code. */
export type Send = (command: string[]) => Promise<unknown>

/**
 * A list for each key: the instants of the hits that count, oldest first, in microseconds of the server's clock.
 * Redis 5 and later replicate what a script does, and not the script, so it may ask for the time.
 */
const HIT = `
local key, window, limit = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local count = redis.call('LLEN', key)
local function at(place) return tonumber(redis.call('LINDEX', key, place)) end
local function push(instant) redis.call('RPUSH', key, string.format('%.0f', instant)) end
local oldest = count > 0 and at(0)

if oldest and at(-1) > now then
  -- The clock was set back: no hit is of later than now, or it would count for longer than a window.
  local instants = redis.call('LRANGE', key, 0, -1)
  redis.call('DEL', key)
  for _, instant in ipairs(instants) do push(math.min(tonumber(instant), now)) end
  redis.call('PEXPIRE', key, window / 1000)
  oldest = math.min(oldest, now)
end

if oldest and oldest <= now - window then
  -- By halving: all that a large limit allowed may be over at once.
  local over, live = 1, count
  while over < live do
    local middle = math.floor((over + live) / 2)
    if at(middle) <= now - window then over = middle + 1 else live = middle end
  end
  redis.call('LTRIM', key, over, -1)
  count = count - over
  oldest = count > 0 and at(0)
end

local allowed = count < limit
if allowed then
  push(now)
  redis.call('PEXPIRE', key, window / 1000)
  count = count + 1
end
local reset = math.max(1, math.ceil((window - now + (oldest or now)) / 1000000))
return { allowed and 1 or 0, math.max(0, limit - count), reset }
`
const HIT_SHA = createHash('sha1').update(HIT).digest('hex')

/**
 * An exact sliding window in Redis 6 or later, or Valkey, by the server's clock: what `memoryStore` does, for all that
 * count under the same name. A key holds no more instants than its limit, and is gone a window after its last hit. It is
 * the only one that its hits touch, so a cluster may keep each where it likes.
 */
export function redisStore(options: {
  send: Send
  /** What the names of the keys begin with. They hold the key that is hit as it is: let it be no secret. */
  name: string
  limit: number
  windowSeconds: number
}): AttemptStore {
  const { send, name } = options
  const microseconds = String(options.windowSeconds * 1_000_000)
  const place = (key: string) => `${name}:{${key}}`

  return {
    async hit(key, limit = options.limit) {
      const rest = ['1', place(key), microseconds, String(limit)]
      const reply = await send(['EVALSHA', HIT_SHA, ...rest]).catch((error: unknown) => {
        if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
          return send(['EVAL', HIT, ...rest])
        throw error
      })
      if (!Array.isArray(reply)) throw new Error('Redis answered a hit with no list')
      const [allowed, remaining = 0, resetSeconds = 1] = reply.map(Number)
      return { allowed: allowed === 1, remaining, resetSeconds }
    },

    async takeBack(key) {
      await send(['RPOP', place(key)])
    },
  }
}
