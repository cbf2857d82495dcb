import { expect, test } from 'bun:test'
import { dictionary } from '@zxcvbn-ts/language-common'
import fc from 'fast-check'
import { guessable } from '../../src/auth/guessable.ts'
import { testApp } from '../kit/app.ts'

const WHO = { username: 'ada lovelace', email: 'countess.ada@example.org' }
const rule = (password: string) => guessable(password, WHO)

test.each([
  'password123',
  'PASSWORD123',
  'Qwertyuiop',
  '12345678',
  'iloveyou',
  'ｐａｓｓｗｏｒｄ',
  'p4ssw0rd',
  'P@$$w0rd',
  'dr4g0nf1y',
  'Password2024!',
  '!!Dragon99',
  'Pa55word1!',
  'football#1',
])('"%s" is one of the first that are tried, or looks like one', (password) => {
  expect(rule(password)).toBe('a password that is not among the common ones, nor like one')
})

test.each(['Ada Lovelace 1815', 'xx ADA LOVELACE xx'])('"%s" contains the username', (password) => {
  expect(rule(password)).toBe('a password that does not contain the username')
})

test.each([
  'adalovelace',
  'ada_lovelace!',
  '4d4.10v31ac3',
  'countess.ada',
  'Countess-Ada-42',
  'pat-auth-system',
  'PAT Auth System 2026!',
  'patauthsystem',
])('"%s" is nothing but a name', (password) => {
  expect(rule(password)).toBe('a password that is more than your name or that of this service')
})

test.each([
  'correct horse battery',
  'a password of three words',
  'my countess.ada and I',
  'monkey 8472635182734',
  'dragonfly monkey',
  'pass8chr',
  'p'.repeat(256),
  '🔑'.repeat(8),
  '        x',
  'ﷺ'.repeat(256),
])('"%s" is taken', (password) => {
  expect(rule(password)).toBeNull()
})

test('every common password is refused in any case, and with what people put around the best known', () => {
  const long = dictionary['passwords-common'].filter((word) => word.length >= 8)
  expect(long.length).toBeGreaterThan(10_000)
  expect(long.filter((word) => rule(word) === null || rule(word.toUpperCase()) === null)).toEqual(
    [],
  )
  const best = dictionary['passwords-common'].slice(0, 1000).filter((word) => /^[a-z]+$/.test(word))
  expect(best.length).toBeGreaterThan(400)
  expect(best.filter((word) => rule(`${word}12!`) === null && word.length > 3)).toEqual([])
})

test('long random passwords are never refused, and none makes it fail', () => {
  const random = fc.string({
    minLength: 20,
    maxLength: 256,
    unit: fc.constantFrom(...'xkqzvwjh7392'),
  })
  fc.assert(fc.property(random, (password) => rule(password) === null))
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 256 }), (password) => {
      expect([null, 'string']).toContain(rule(password) === null ? null : typeof rule(password))
    }),
  )
})

test('a registration with a guessable password is 422, names the rule and not the password', async () => {
  const app = await testApp()
  for (const password of ['Password2024!', 'ada lovelace', 'countess.ada']) {
    const json = { ...WHO, password }
    const { status, text, body } = await app.call('POST', '/api/v1/auth/register', { json })
    expect([status, body.data.errors[0].field]).toEqual([422, 'password'])
    expect(text).not.toContain(password)
  }
  expect(await app.sql`select from users`).toHaveLength(0)
  await app.close()
})
