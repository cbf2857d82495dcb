// A clock that processes read instead of the machine's.
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { folders } from '../kit/service.ts'

export const HOUR_SECONDS = 3_600

const [faketime] = new Bun.Glob('/usr/lib/*/faketime/libfaketime.so.1').scanSync('/')
export const HAS_FAKETIME = faketime !== undefined

/** It is right until it is stepped. Like the machine's it changes for nobody how long something lasts. */
export async function steppedClock(made: ReturnType<typeof folders>) {
  const file = join(await made.create(), 'clock')
  /** By so many seconds from the machine's, at once, for every process that was started with `env`. */
  const step = async (seconds: number) => {
    await writeFile(`${file}.next`, `${seconds < 0 ? '' : '+'}${seconds}`)
    await rename(`${file}.next`, file)
  }
  await step(0)
  const env = {
    LD_PRELOAD: faketime ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { env, step }
}
