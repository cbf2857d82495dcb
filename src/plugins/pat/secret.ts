import { Buffer } from 'node:buffer'
import { hash } from 'node:crypto'

export const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'pat_'
const RANDOM_CHARACTERS = 30
const BODY_LENGTH = PREFIX.length + RANDOM_CHARACTERS
const CHECKSUM_LENGTH = 6
const LENGTH = BODY_LENGTH + CHECKSUM_LENGTH
// The largest multiple of 62 that a byte can hold: bytes from here on would favour some characters.
const FAIR_BYTES = 248

/** A new token: `pat_`, 30 random base62 characters, 6 of checksum (about 178 bits of chance). */
export function newSecret(): string {
  let body = PREFIX
  while (body.length < BODY_LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(RANDOM_CHARACTERS))) {
      if (byte < FAIR_BYTES && body.length < BODY_LENGTH) body += ALPHABET.charAt(byte % 62)
    }
  }
  return withChecksum(body)
}

/** A whole token of its `pat_` and 30 characters. */
export const withChecksum = (body: string): string => body + asDigits(crc32(body, BODY_LENGTH))

/**
 * Whether the form and the checksum are right, so that a mistyped or invented token costs no query. A flood of those
 * is answered at the cost of this function: it looks at each character once, and makes nothing.
 */
export function isWellFormed(token: string): boolean {
  if (token.length !== LENGTH || !token.startsWith(PREFIX)) return false
  for (let at = PREFIX.length; at < BODY_LENGTH; at++) {
    if (digitOf(token.charCodeAt(at)) === NO_DIGIT) return false
  }
  let given = 0
  for (let at = BODY_LENGTH; at < LENGTH; at++) {
    const digit = digitOf(token.charCodeAt(at))
    if (digit === NO_DIGIT) return false
    given = 62 * given + digit
  }
  return given === crc32(token, BODY_LENGTH)
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

/** Six base62 digits, most significant first, as GitHub's token format has them. */
function asDigits(checksum: number): string {
  let rest = checksum
  let digits = ''
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = ALPHABET.charAt(rest % 62) + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

const NO_DIGIT = 62
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = ALPHABET.indexOf(String.fromCharCode(code))
  return digit === -1 ? NO_DIGIT : digit
})
const digitOf = (code: number) => DIGITS[code] ?? NO_DIGIT

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  return rest
})

/** CRC-32 (ISO 3309) of the first characters of a text in ASCII. */
function crc32(text: string, length: number): number {
  let rest = 0xffffffff
  for (let at = 0; at < length; at++) {
    rest = (rest >>> 8) ^ (CRC_TABLE[(rest ^ text.charCodeAt(at)) & 0xff] ?? 0)
  }
  return ~rest >>> 0
}
