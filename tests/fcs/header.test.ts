import { describe, expect, test } from 'bun:test'
import { createScan, FcsError } from '../../src/fcs/index.ts'
import { headerField, small, smallEvents } from '../kit/fcs-examples.ts'
import { readAll, refusal, scanFile, warnings } from '../kit/fcs-read.ts'
import { writeFcs } from '../kit/fcs-writer.ts'

const good = writeFcs(small)

describe('HEADER', () => {
  for (const version of ['FCS2.0', 'FCS3.0', 'FCS3.1', 'FCS3.2']) {
    test(`${version} is read`, async () => {
      const { description } = await scanFile(writeFcs({ ...small, version }))
      expect(description.version).toBe(version)
      expect(description.total_events).toBe(5)
    })
  }

  test('other versions are refused', async () => {
    expect(await refusal(writeFcs({ ...small, version: 'FCS1.0' }))).toBe('version')
    expect(await refusal(writeFcs({ ...small, version: 'FCS4.0' }))).toBe('version')
  })

  test('what is not FCS is refused as such', async () => {
    expect(await refusal(new TextEncoder().encode('PK\x03\x04\x14\x00\x00\x00'))).toBe('not_fcs')
  })

  test('what is not FCS is refused at its sixth byte, before anything else has come', () => {
    const scan = createScan()
    scan.push(new TextEncoder().encode('PK\x03\x04\x14'))
    expect(() => scan.push(new Uint8Array(1))).toThrow(FcsError)
  })

  for (const [name, field] of Object.entries({ TEXT: 0, DATA: 2 })) {
    test(`letters in the ${name} offset are refused`, async () => {
      expect(await refusal(writeFcs({ ...small, header: headerField(field, '25x') }))).toBe(
        'header',
      )
    })
  }

  test('without the position of TEXT the file is refused', async () => {
    expect(await refusal(writeFcs({ ...small, header: headerField(0, 0) }))).toBe('header')
    expect(await refusal(writeFcs({ ...small, header: headerField(0, '') }))).toBe('header')
    expect(await refusal(writeFcs({ ...small, header: headerField(0, 57) }))).toBe('header')
  })

  test('TEXT of more than 16 MiB is refused before it has come', () => {
    const header = headerField(1, 58 + 4 * 1024 * 1024)
    const scan = createScan()
    expect(() => scan.push(writeFcs({ ...small, header }).slice(0, 58))).toThrow('longer')
  })

  test('offsets may be padded with zeros or be blank where they are not needed', async () => {
    const header = (h: string) =>
      `${h.slice(0, 10)}${'00000058'}${h.slice(18, 42)}${' '.repeat(16)}`
    const file = writeFcs({ ...small, header })
    const { description } = await scanFile(file)
    expect(await readAll(file, description)).toEqual(smallEvents)
  })

  for (const placeholder of [0, '', 99_999_999]) {
    test(`"${placeholder}" in place of DATA offsets leaves them to TEXT`, async () => {
      const header = (h: string) => headerField(2, placeholder)(headerField(3, placeholder)(h))
      const file = writeFcs({ ...small, header })
      const { description } = await scanFile(file)
      expect(description.warnings).toEqual([])
      expect(await readAll(file, description)).toEqual(smallEvents)
    })
  }

  test('an empty ANALYSIS written as 0 and -1 does no harm', async () => {
    const file = writeFcs({ ...small, header: headerField(5, -1) })
    expect(await warnings(file)).toEqual(['analysis'])
  })
})

describe('a file cut off', () => {
  const cases = { 'before its signature': 5, 'in HEADER': 57, 'in TEXT': 200 }
  for (const [where, length] of Object.entries(cases)) {
    test(`${where} is refused as truncated`, async () => {
      expect(await refusal(good.slice(0, length))).toBe('truncated')
    })
  }

  test('one byte before its last event ends is refused, and the reason says what is there', async () => {
    const cut = good.slice(0, -1)
    expect(await refusal(cut)).toBe('truncated')
    await expect(scanFile(cut)).rejects.toThrow(`the file has ${good.length - 1}`)
  })
})
