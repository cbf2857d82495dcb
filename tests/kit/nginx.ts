// The nginx of Debian's package, with a configuration of ours and everything that it writes in one folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { until } from './service.ts'

/** Debian keeps it out of the path of an ordinary account. */
export const NGINX = Bun.which('nginx', { PATH: `${process.env.PATH}:/usr/sbin` })

const shipped = join(import.meta.dir, '../../deploy/nginx.conf')

/** deploy/nginx.conf with these instances behind it, listening on this port, writing below `folder`. */
export async function balancerConfig(
  folder: string,
  port: number,
  instances: readonly string[],
): Promise<string> {
  const servers = instances.map((url) => `server ${new URL(url).host} $1;`).join('\n')
  return (await Bun.file(shipped).text())
    .replaceAll(/server app1:8000 (.+);\n\s+server app2:8000 .+;/g, servers)
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replaceAll(' /tmp/', ` ${folder}/`)
    .replace('error_log stderr', `error_log ${join(folder, 'error.log')}`)
}

export type Nginx = { url: string; pid: number; stop(): Promise<void> }

/** Starts it with what `configure` says for a free port. */
export async function startNginx(
  folder: string,
  configure: (port: number) => Promise<string>,
): Promise<Nginx> {
  if (!NGINX) throw new Error('nginx is not installed')
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  await Bun.write(file, await configure(port))
  // Workers of root's would be nobody's, who can't reach a folder of root's.
  const globals = `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`
  const child = spawn(NGINX, ['-p', folder, '-c', file, '-g', globals], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const closed = gone(child)
  const url = `http://127.0.0.1:${port}`
  await Promise.race([closed, until(() => fetch(url).then(Boolean, () => false))])
  if (child.exitCode !== null || child.pid === undefined) throw new Error(await closed)
  return {
    url,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM')
      await closed
    },
  }
}

/** What it said, once it has ended. */
function gone(child: ChildProcess): Promise<string> {
  let said = ''
  child.stderr?.on('data', (data) => {
    said += data
  })
  return new Promise((resolve) => child.once('close', () => resolve(`nginx ended: ${said}`)))
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}
