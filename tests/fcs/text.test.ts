import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { headerField, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { type FcsSpec, writeFcs } from '../kit/fcs-writer.ts'

async function keywords(spec: FcsSpec): Promise<Map<string, string>> {
  return new Map((await scanFile(writeFcs(spec))).description.keywords)
}

describe('TEXT', () => {
  for (const delimiter of ['|', '/', '\\', '\f', '\x1e', '!', ' ']) {
    test(`may be delimited by ${JSON.stringify(delimiter)}`, async () => {
      const file = writeFcs({ ...small, delimiter })
      const { description } = await scanFile(file)
      expect(description.warnings).toEqual([])
      expect(await readAll(file, description)).toEqual(smallEvents)
    })
  }

  test('keeps every value as written, delimiters inside them included', async () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1 }).filter(
      // A value can't begin or end with the delimiter: doubled, it would merge with the next one.
      (text) => !/^\||\|$|\0/.test(text),
    )
    const name = fc.stringMatching(/^[A-Z][A-Z0-9 ]{0,8}[A-Z]$/)
    const pairs = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key })
    await fc.assert(
      fc.asyncProperty(pairs, async (written) => {
        const read = await keywords({ ...small, keywords: Object.fromEntries(written) })
        for (const [key, text] of written) expect(read.get(key)).toBe(text)
      }),
      { numRuns: 200 },
    )
  })

  test('ignores the case of keywords, and puts __proto__ beside the others', async () => {
    const text = (whole: string) => whole.replace('$PAR', '$par').replace('$P1N', '$p1n')
    const read = await keywords({ ...small, text, keywords: { ['__proto__']: 'x', Mixed: 'Case' } })
    expect(read.get('$PAR')).toBe('3')
    expect(read.get('MIXED')).toBe('Case')
    expect(await keywords({ ...small, text: (t) => `${t}__proto__|polluted|` })).toHaveProperty(
      'size',
      (await keywords(small)).size + 1,
    )
  })

  test('takes the first of a keyword given twice, and says so', async () => {
    const spec = { ...small, text: (t: string) => `${t}$TOT|4|$P1N|other|` }
    expect((await keywords(spec)).get('$P1N')).toBe('FSC-A')
    expect(await warnings(writeFcs(spec))).toEqual(['duplicate_keyword'])
  })

  test('is UTF-8', async () => {
    const read = await keywords({ ...small, keywords: { $OP: 'Žofie µ 細胞 \ufffd' } })
    expect(read.get('$OP')).toBe('Žofie µ 細胞 \ufffd')
  })

  test('is Latin-1 where it is not UTF-8, and says so', async () => {
    const written = { $OP: 'José µ', $COM: 'Ã©', $SRC: '\x80\x9fé'.repeat(5000) }
    const spec: FcsSpec = { ...small, encoding: 'latin-1', keywords: written }
    const read = await keywords(spec)
    expect(read.get('$OP')).toBe('José µ')
    expect(read.get('$SRC')).toBe(written.$SRC)
    // These two bytes are UTF-8 by themselves.
    expect(read.get('$COM')).toBe('é')
    expect(await warnings(writeFcs(spec))).toEqual(['text_encoding'])
  })

  test('loses its NULs, which no database takes', async () => {
    expect((await keywords({ ...small, keywords: { $OP: 'Jo\0sé\0\0' } })).get('$OP')).toBe('José')
  })
})

describe('TEXT that breaks the rules', () => {
  test('with empty values keeps the keywords after them', async () => {
    const text = (whole: string) => whole.replace('$P1E|0,0|', '$P1E|0,0|$P1S||')
    const file = writeFcs({ ...small, text })
    const { description } = await scanFile(file)
    expect(description.parameters.map(({ pnn }) => pnn)).toEqual(['FSC-A', 'FL1-A', 'Time'])
    expect(description.warnings.map(({ code }) => code)).toEqual(['text_empty_values'])
    expect(await readAll(file, description)).toEqual(smallEvents)
  })

  test('with empty values still reads doubled delimiters inside others', async () => {
    const text = (whole: string) => whole.replace('|$P1N|', '|$OP||$P1N|')
    const read = await keywords({ ...small, text, keywords: { $COM: 'a|b||c', $SRC: '|d' } })
    expect(read.get('$OP')).toBe('')
    expect(read.get('$COM')).toBe('a|b||c')
    expect(read.get('$SRC')).toBe('|d')
  })

  test('with an empty value before a keyword no file needs keeps that too', async () => {
    const text = (whole: string) => `${whole}$OP||$SRC|blood|`
    expect((await keywords({ ...small, text })).get('$SRC')).toBe('blood')
  })

  const ends: [string, (text: string) => string, string[]][] = [
    ['without its last delimiter', (t) => t.slice(0, -1), ['text_last_delimiter']],
    ['with its last delimiter doubled', (t) => `${t}|`, ['text_last_delimiter']],
    ['with padding after its last delimiter', (t) => `${t}  \r\n\0`, []],
    ['with a keyword at its end that has no value', (t) => `${t}$OP`, ['text_leftover']],
  ]
  for (const [what, text, expected] of ends) {
    test(`${what} is read in full`, async () => {
      const read = await keywords({ ...small, text })
      expect(read.get('$P3E')).toBe('0,0')
      expect(read.size).toBe((await keywords(small)).size)
      expect(await warnings(writeFcs({ ...small, text }))).toEqual(expected)
    })
  }

  test('whose end is given one byte too far is read, before DATA and at the end of the file', async () => {
    for (const textAfterData of [false, true]) {
      const header = (h: string) => headerField(1, Number(h.slice(18, 26)) + 1)(h)
      const file = writeFcs({ ...small, textAfterData, header })
      const { description } = await scanFile(file)
      expect(await readAll(file, description)).toEqual(smallEvents)
      const codes = description.warnings.map(({ code }) => code)
      expect(codes).toEqual(textAfterData ? ['text_end'] : [])
    }
  })

  test('that is one delimiter, or noise, is refused', async () => {
    expect(await refusal(writeFcs({ ...small, text: () => '|' }))).toBe('keyword')
    expect(await refusal(writeFcs({ ...small, text: () => '||||||||' }))).toBe('keyword')
    expect(await refusal(writeFcs({ ...small, text: () => 'aaaaabbbbb' }))).toBe('keyword')
  })

  test('with more keywords than any file needs is refused', async () => {
    const text = (whole: string) => whole + 'a|b|'.repeat(100_001)
    expect(await refusal(writeFcs({ ...small, text }))).toBe('too_large')
  })
})
