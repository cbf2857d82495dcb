import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { bounded } from '../../src/auth/bounded.ts'
import { createPasswords } from '../../src/auth/password.ts'
import { testApp } from '../kit/app.ts'

test('security 13: passwords are hashed a few at a time, and one too many is 503 before any work', async () => {
  const app = await testApp({ passwords: createPasswords({ concurrent: 1, waiting: 3 }) })
  const login = (at: number) =>
    app.call('POST', '/api/v1/auth/login', {
      json: { username: `nobody ${at}`, password: 'not the password' },
      from: `192.0.2.${at}`,
    })
  const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => login(at)))
  const refused = answers.filter(({ status }) => status === 503)
  expect(refused.length).toBeGreaterThan(0)
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(20 - refused.length)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  expect(refused[0]?.body).toEqual({
    success: false,
    error: 'Service Unavailable',
    message: 'Too busy',
  })
  // It is served again as soon as there is room, and being turned away was no failed login.
  for (let at = 0; at < 12; at++) expect((await login(refused.length + at)).status).toBe(401)
  await app.close()
})

test('never do more run than may, nor wait, and each that is let in ends', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.constantFrom('begin', 'begin', 'begin', 'succeed', 'fail'), { maxLength: 60 }),
      async (concurrent, waiting, steps) => {
        const run = bounded({ concurrent, waiting })
        const running: ((succeed: boolean) => void)[] = []
        const done: Promise<string>[] = []
        let [begun, refused, inside] = [0, 0, 0]
        for (const step of steps) {
          if (step === 'begin') {
            const full = inside >= concurrent + waiting
            begun++
            if (full) refused++
            else inside++
            const work = () =>
              new Promise<void>((resolve, reject) => {
                running.push((succeed) => (succeed ? resolve() : reject(new Error('failed'))))
              })
            done.push(
              run(work).then(
                () => 'done',
                (error) => error.message,
              ),
            )
          } else if (running.length > 0) {
            running.shift()?.(step === 'succeed')
            inside--
          }
          // Whoever's turn it is begins within a few microtasks.
          await new Promise((resolve) => setImmediate(resolve))
          expect(running.length).toBe(Math.min(inside, concurrent))
        }
        while (running.length > 0) {
          running.shift()?.(true)
          await new Promise((resolve) => setImmediate(resolve))
        }
        const ends = await Promise.all(done)
        expect(ends).toHaveLength(begun)
        expect(ends.filter((end) => end === 'Too busy')).toHaveLength(refused)
      },
    ),
    { numRuns: 100 },
  )
})
