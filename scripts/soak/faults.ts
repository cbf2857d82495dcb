// What goes wrong in a soak: each breaks something, waits, and mends what does not mend itself.
import type { Cluster } from '../../tests/kit/cluster.ts'
import type { Engine } from '../../tests/kit/engine.ts'
import type { TestRedis } from '../../tests/kit/redis.ts'
import { cutDownload, cutUpload } from './cuts.ts'
import type { Load } from './load.ts'

export type Faulty = {
  cluster: Cluster
  postgres: Engine
  redis: TestRedis
  s3: Engine
  load: Load
  random: () => number
}
export type Fault = { name: string; run: () => Promise<void> }

const AT_ONCE = 20

export function faultsOf({ cluster, postgres, redis, s3, load, random }: Faulty): Fault[] {
  const killed = async (engine: Engine, downMs: number) => {
    await engine.kill()
    await Bun.sleep(downMs)
    await engine.start()
  }
  const suspended = async (engine: Engine, ms: number) => {
    await engine.suspend()
    await Bun.sleep(ms)
    await engine.resume()
  }
  const one = () => {
    const instance = cluster.instances[Math.floor(random() * cluster.instances.length)]
    if (!instance) throw new Error('no instance')
    return instance
  }
  return [
    {
      name: 'kill -9 of an instance',
      async run() {
        const instance = one()
        await instance.ended('SIGKILL')
        await Bun.sleep(3000)
        await instance.start()
      },
    },
    {
      name: 'restart of all instances, one after the other',
      run: async () => void (await cluster.restart()),
    },
    { name: 'PostgreSQL suspended for 10 s', run: () => suspended(postgres, 10_000) },
    { name: 'kill -9 of PostgreSQL', run: () => killed(postgres, 2000) },
    {
      name: 'clients that break off',
      async run() {
        for (let round = 0; round < 10; round++) {
          const cuts = Array.from({ length: AT_ONCE }, (_, at) =>
            at % 2 === 0 ? cutUpload(load) : cutDownload(load),
          )
          await Promise.all(cuts)
        }
      },
    },
    { name: 'kill -9 of Redis', run: () => killed(redis, 10_000) },
    { name: 'Redis suspended for 10 s', run: () => suspended(redis, 10_000) },
    { name: 'Redis flushed', run: async () => void (await redis.command('FLUSHALL')) },
    { name: 'kill -9 of S3', run: () => killed(s3, 10_000) },
    {
      name: 'S3 slow',
      async run() {
        for (let round = 0; round < 10; round++) {
          await suspended(s3, 800)
          await Bun.sleep(200)
        }
      },
    },
  ]
}

/** Draws from all of them before one comes again. */
export function deck(faults: readonly Fault[], random: () => number): () => Fault {
  let left: Fault[] = []
  return () => {
    if (left.length === 0) left = [...faults]
    const [drawn] = left.splice(Math.floor(random() * left.length), 1)
    if (!drawn) throw new Error('no faults')
    return drawn
  }
}
