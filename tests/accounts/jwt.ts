import { createHmac } from 'node:crypto'
import { SECRET_KEY } from '../kit/app.ts'

export type Fields = Record<string, unknown>

export const HS256 = { alg: 'HS256', typ: 'JWT' }
const HASHES: Record<string, string> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

const part = (jwt: string, at: 0 | 1): Fields =>
  JSON.parse(Buffer.from(jwt.split('.')[at] ?? '', 'base64url').toString())
export const headerOf = (jwt: string) => part(jwt, 0)
export const claimsOf = (jwt: string) => part(jwt, 1)
export const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JWT made by hand: by default as the service itself would sign these claims. */
export function sign(claims: Fields, header: Fields = HS256, key = SECRET_KEY): string {
  const content = `${encoded(header)}.${encoded(claims)}`
  const hash = HASHES[String(header.alg)] ?? 'sha256'
  return `${content}.${createHmac(hash, key).update(content).digest('base64url')}`
}

/** The same access token, of a login that was so many seconds earlier. */
export function agedBy(seconds: number, jwt: string): string {
  const claims = claimsOf(jwt)
  return sign({ ...claims, auth_time: Number(claims.auth_time) - seconds })
}
