import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const FORM = /^pat_[0-9A-Za-z]{36}$/
const RANDOM_CHARACTERS = 30
const BODY_LENGTH = 'pat_'.length + RANDOM_CHARACTERS
// The largest multiple of 62 that a byte can hold: bytes from here on would favour some characters.
const FAIR_BYTES = 248

/** A new token: `pat_`, 30 random base62 characters, 6 of checksum (about 178 bits of chance). */
export function newSecret(): string {
  let body = 'pat_'
  while (body.length < BODY_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_CHARACTERS))) {
      if (byte < FAIR_BYTES && body.length < BODY_LENGTH) body += ALPHABET.charAt(byte % 62)
    }
  }
  return withChecksum(body)
}

/** A whole token of its `pat_` and 30 characters. */
export const withChecksum = (body: string): string => body + checksum(body)

/** Whether the form and the checksum are right, so that a mistyped or invented token costs no query. */
export function isWellFormed(token: string): boolean {
  return FORM.test(token) && checksum(token.slice(0, BODY_LENGTH)) === token.slice(BODY_LENGTH)
}

/** What is stored of a token: SHA-256 of the whole. It has too much chance in it to need a slow hash. */
export function secretHash(token: string): Uint8Array {
  return hashOf(tokenKey(token))
}

/** The same as text, to remember a token by: from a dump of the memory nobody gets the token. */
export function tokenKey(token: string): string {
  return hash('sha256', token, 'base64')
}

export function hashOf(key: string): Uint8Array {
  return Buffer.from(key, 'base64')
}

/** What people recognise a token by. */
export function tokenPrefix(token: string): string {
  return token.slice(0, 12)
}

/** CRC-32 in six base62 digits, most significant first, as GitHub's token format has it. */
function checksum(body: string): string {
  let rest = crc32(body)
  let digits = ''
  for (let place = 0; place < 6; place++) {
    digits = ALPHABET.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}
