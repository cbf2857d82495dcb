import { afterAll, beforeAll, expect, test } from 'bun:test'
import { type TestApp, testApp } from '../kit/app.ts'

let api: TestApp
beforeAll(async () => {
  api = await testApp()
})
afterAll(() => api.close())

test('the page at /docs and everything it loads is served by the app itself', async () => {
  const page = await api.call('GET', '/docs')
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '')
  expect(loaded.length).toBe(4)
  for (const url of loaded) {
    expect(url).toStartWith('/docs/assets/')
    const asset = await api.call('GET', url)
    expect([url, asset.status, asset.text.length > 0]).toEqual([url, 200, true])
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
  }
})

test('the page starts Swagger UI on the OpenAPI document', async () => {
  const start = await api.call('GET', '/docs/assets/start.js')
  expect(start.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(start.text).toContain("url: '/openapi.json'")
})

test('security 23: the pages forbid inline scripts and styles, frames and other origins', async () => {
  for (const path of ['/docs', '/docs/problems']) {
    const { headers, text } = await api.call('GET', path)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("style-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(text).not.toMatch(/<script>|<style|style=|onload=|https?:/)
  }
})

test.each(['package.json', 'index.html', '..%2fpackage.json', '__proto__', 'constructor'])(
  'a file of the package that the page does not load is not served: %s',
  async (name) => {
    expect((await api.call('GET', `/docs/assets/${name}`)).status).toBe(404)
  },
)

test("the documentation plugin's own page, which loads from elsewhere, is closed", async () => {
  expect((await api.call('GET', '/docs/cdn')).status).toBe(404)
})

test.each(['/docs', '/docs/assets/swagger-ui.css', '/docs/assets/start.js'])(
  '%s may be cached, but not the answer to a request with a credential',
  async (path) => {
    const cacheOf = async (call = {}) =>
      (await api.call('GET', path, call)).headers.get('cache-control')
    expect(await cacheOf()).toBe('public, max-age=3600')
    expect(await cacheOf({ bearer: 'anything' })).toBe('no-store')
  },
)
