import { afterAll, beforeAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type TestApp, testApp } from '../kit/app.ts'

let app: TestApp
// biome-ignore lint/suspicious/noExplicitAny: a test asserts on what it reads, whatever it is.
let format: any
let issued: string[]
let docs: string

beforeAll(async () => {
  app = await testApp()
  format = (await app.call('GET', '/.well-known/pat-format.json')).body
  const user = await app.user()
  const tokens = await Promise.all(Array.from({ length: 20 }, () => app.token(user, ['fcs:read'])))
  issued = tokens.map(({ token }) => token)
  docs = await Bun.file(join(import.meta.dir, '../../docs/leaks.md')).text()
})
afterAll(() => app.close())

/** The check as a scanner would write it from the document alone. */
function isToken(text: string): boolean {
  if (!new RegExp(`^${format.regex}$`).test(text)) return false
  const at = format.length - format.checksum.characters
  let number = crc32(text.slice(0, at))
  let digits = ''
  while (number > 0) {
    digits = format.alphabet[number % 62] + digits
    number = Math.floor(number / 62)
  }
  return digits.padStart(format.checksum.characters, '0') === text.slice(at)
}

/** Where a token may stand, and what only looks like one. */
const around = (token: string) => [
  `token=${token}`,
  `"${token}"`,
  `Authorization: Bearer ${token}\n`,
  `https://x:${token}@example.org`,
  token,
]
const lookalikes = (token: string) => [
  `github_${token}`,
  `${token}x`,
  token.slice(0, -1),
  token.toUpperCase(),
  `${token.slice(0, 20)}-${token.slice(21)}`,
]

const finds = (regex: RegExp, text: string) => {
  const found = regex.exec(text)
  return found?.[1] ?? found?.[0]
}

test('the document says all that a scanner needs to tell our tokens from others', () => {
  for (const token of [...issued, ...format.examples.well_formed]) expect(isToken(token)).toBe(true)
  for (const token of format.examples.wrong_checksum) {
    expect(token).toMatch(new RegExp(`^${format.regex}$`))
    expect(isToken(token)).toBe(false)
  }
  for (const token of issued) {
    const other = `${token.slice(0, 10)}${token[10] === 'a' ? 'b' : 'a'}${token.slice(11)}`
    expect(isToken(other)).toBe(false)
  }
})

test('anybody may read and keep it, and its examples open nothing', async () => {
  const { headers } = await app.call('GET', '/.well-known/pat-format.json')
  expect(headers.get('cache-control')).toBe('public, max-age=3600')
  expect(headers.get('content-type')).toContain('application/json')
  for (const bearer of format.examples.well_formed) {
    const { status, body } = await app.call('GET', '/api/v1/tokens/self', { bearer })
    expect([status, body.message]).toEqual([401, 'Invalid token'])
  }
})

const rule = (name: string) => {
  const found = new RegExp(`^${name} = '''(.+)'''$`, 'm').exec(docs)?.[1]
  if (!found) throw new Error(`docs/leaks.md has no ${name}`)
  return found
}
const custom = (name: string) => {
  const found = new RegExp(`^\\| ${name} \\| \`(.+)\` \\|$`, 'm').exec(docs)?.[1]
  if (!found) throw new Error(`docs/leaks.md has no ${name}`)
  return found.replaceAll('\\|', '|')
}
/** JavaScript has no \A and \z. */
const anchored = (regex: string) => regex.replaceAll('\\A', '^').replaceAll('\\z', '$')

const rules: [string, () => RegExp][] = [
  ['the document’s regex', () => new RegExp(format.regex)],
  ['the gitleaks rule', () => new RegExp(rule('regex'))],
  [
    'the GitHub pattern',
    () =>
      new RegExp(
        `(?:${anchored(custom('Before secret'))})(${custom('Secret format')})(?:${anchored(custom('After secret'))})`,
      ),
  ],
]
test.each(rules)('%s finds issued tokens wherever they stand, and no lookalike', (_, make) => {
  const regex = make()
  for (const token of issued) {
    for (const text of around(token)) expect([text, finds(regex, text)]).toEqual([text, token])
    for (const text of lookalikes(token)) {
      expect([text, finds(regex, text)]).toEqual([text, undefined])
    }
  }
})

test('the gitleaks rule parses, and its keyword is in every token', () => {
  const block = /```toml\n([^`]+)```/.exec(docs)?.[1] ?? ''
  const { rules } = Bun.TOML.parse(block) as { rules: { keywords: string[] }[] }
  expect(rules).toHaveLength(1)
  for (const token of issued) {
    expect(rules[0]?.keywords.every((word) => token.toLowerCase().includes(word))).toBe(true)
  }
})
