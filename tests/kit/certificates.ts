// Certificates for servers of tests, by openssl.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

export const hasOpenssl = Bun.which('openssl') !== null
/** For names of what is skipped without it. */
export const unlessOpenssl = hasOpenssl ? '' : ' (skipped: openssl is not installed)'

const EACH = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** Files in a folder: an authority's certificate, and one of that authority for a host name, with its key. */
export function certificates(folder: string, host: string) {
  const file = (name: string) => join(folder, name)
  const make = (name: string, subject: string, ...more: string[]) => {
    const files = ['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)]
    const args = [...EACH, '-subj', `/CN=${subject}`, ...files, ...more]
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`openssl: ${stderr}`)
  }
  make('authority', 'an authority of a test')
  make(
    ...['server', host, '-CA', file('authority.crt'), '-CAkey', file('authority.key')],
    ...['-addext', `subjectAltName=DNS:${host}`, '-addext', 'basicConstraints=CA:FALSE'],
  )
  return {
    authority: file('authority.crt'),
    certificate: file('server.crt'),
    key: file('server.key'),
  }
}
