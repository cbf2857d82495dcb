import type { Sql } from 'postgres'
import { answered } from '../deadline.ts'
import { createBarrier, type Effect, type Instance } from './barrier.ts'
import { createEar } from './ear.ts'
import { createLease } from './lease.ts'

export type Instances = ReturnType<typeof joinInstances>

/**
 * Makes this process one of the instances that share a database: it hears what is to be forgotten, holds a lease
 * while it hears, and can wait for all the others. Nothing is connected before the first use.
 */
export function joinInstances({
  sql,
  forget,
  onDeaf,
}: {
  sql: Sql
  /** Forgets what hangs on the id of a token or an owner; null is everything. */
  forget: (id: string | null) => void
  /** Called when this instance hears nothing for some seconds, and when it hears again. */
  onDeaf: (deaf: boolean) => void
}) {
  let deaf = false
  const me = crypto.randomUUID()
  const channelOf = (id: string) => `pat_${id}`

  const heard = (message: string) => {
    const at = message.indexOf(' ')
    const rest = message.slice(at + 1)
    const [first = '', second = ''] = rest.split(' ')
    switch (message.slice(0, at)) {
      case 'forget':
        if (first !== '*') return forget(first)
        forget(null)
        return lease.end()
      case 'lease':
        // What was read before this ear was open may have changed unheard.
        if (!lease.isProven()) forget(null)
        return lease.granted(rest)
      case 'barrier':
        if (first === me) return barrier.passed(Number(second), me)
        // Everything that was said before has been heard by now: notifications come in order.
        say(channelOf(first), `passed ${second} ${me}`).catch(() => {})
        return
      case 'passed':
        return barrier.passed(Number(first), second)
    }
  }
  const lost = () => {
    forget(null)
    lease.end()
  }
  const ear = createEar(sql, { channels: ['pat', channelOf(me)], heard, lost })
  const say = async (channel: string, message: string) => {
    await sql`select pg_notify(${channel}, ${message})`
  }

  const lease = createLease({
    async ask(message) {
      await ear.listen()
      // On another connection than the ear's: a pooler that mixes sessions would bring the ear's own back
      // to it, and nothing else.
      await sql`
        with beat as (
          insert into pat_instances (id) values (${me})
          on conflict (id) do update set beat = pat_instances.beat + 1 returning beat
        )
        select pg_notify(${channelOf(me)}, 'lease ' || ${message}::text || ' '
          || extract(epoch from clock_timestamp()) * 1000)
        from beat`
    },
    onDeaf(now) {
      // Its other side may have gone without a word.
      if (now) ear.reopen()
      if (now !== deaf) onDeaf(now)
      deaf = now
    },
  })

  const barrier = createBarrier({
    async ask(number) {
      await ear.listen()
      const [instances] = await Promise.all([
        sql<Instance[]>`select id, beat from pat_instances`,
        say('pat', `barrier ${me} ${number}`),
      ])
      return instances
    },
    async remove(silent) {
      for (const { id, beat } of silent) {
        await sql`delete from pat_instances where id = ${id} and beat = ${beat}`
      }
    },
  })

  return {
    clock: lease.clock,
    isProven: lease.isProven,
    settled: (): Promise<Effect> => barrier.settled(),
    async close(): Promise<void> {
      lease.close()
      await ear.close()
      lost()
      await answered(sql`delete from pat_instances where id = ${me}`).catch(() => {})
    },
  }
}
