// A PostgreSQL of its own, on one port for good.
import { spawn } from 'node:child_process'
import { chmod, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { urlOf } from '../../src/embedded/holder.ts'
import { clusterOf, initOnce, passwordOf } from '../../src/embedded/init.ts'
import { choosePlace } from '../../src/embedded/place.ts'
import { childOptions } from '../../src/embedded/process.ts'
import { engine } from './engine.ts'
import { family } from './family.ts'
import { freePort } from './nginx.ts'

/** Durable, as the embedded one is: the same program with the same defaults. Needs Linux. */
export async function postgresEngine(folder: string) {
  await mkdir(folder, { recursive: true })
  // Where tests run as root, the server's own account has to reach it.
  await chmod(folder, 0o755)
  const place = await choosePlace(folder)
  await initOnce(place)
  const port = await freePort()
  const url = urlOf(port, (await readFile(passwordOf(place.folder), 'utf8')).trim())
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'timezone=UTC']
  const own = ['-D', clusterOf(place.folder), '-p', `${port}`]
  const args = [...own, ...settings.flatMap((it) => ['-c', it])]
  const options = { ...childOptions(place.folder, place.account), stdio: 'ignore' as const }
  const answers = async () => {
    const sql = postgres(url, { max: 1, connect_timeout: 1, onnotice: () => {} })
    return await sql`select`
      .then(
        () => true,
        () => false,
      )
      .finally(() => sql.end({ timeout: 0 }))
  }
  const launch = () => spawn(join(place.bin, 'postgres'), args, options)
  const members = async (pid: number) => (await family(pid)).map((each) => each.pid)
  return Object.assign(engine(launch, answers, members), { url })
}
