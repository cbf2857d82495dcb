// `bun run mutants [word]`: takes one guard after another out of a copy of the tree, and runs the tests that have to
// notice; with a word, those whose file or line holds it. A guard that nobody misses, or that is no longer found, is a failure.
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { access } from './mutants/access.ts'
import { accounts } from './mutants/accounts.ts'
import { credentials } from './mutants/credentials.ts'
import { database } from './mutants/database.ts'
import { engines } from './mutants/engines.ts'
import type { Mutant } from './mutants/mutant.ts'
import { requests } from './mutants/requests.ts'
import { standards } from './mutants/standards.ts'
import { uploads } from './mutants/uploads.ts'

const project = join(import.meta.dir, '..')
const WORKERS = 2
/** A guard can be what keeps a test from running for ever. */
const MOST_MS = 120_000
const [, , word = ''] = process.argv
const all = [accounts, credentials, access, requests, standards, uploads, database, engines].flat()
const mutants = all.filter(({ does, file }) => `${file}: ${does}`.includes(word))

type Outcome = { mutant: Mutant; missed: string | null; noticed: string; seconds: number }

/** A copy of all that is not ignored, with the installed packages of this one. */
async function copyTree(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pat-mutants-'))
  const { stdout } = Bun.spawnSync(['git', 'ls-files', '-co', '--exclude-standard'], {
    cwd: project,
  })
  const files = stdout.toString().trim().split('\n')
  for (const file of files.filter((file) => file !== 'node_modules')) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await cp(join(project, file), join(folder, file))
  }
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** The names of the tests that failed; null when the run itself did. */
async function failures(
  folder: string,
  tests: readonly string[],
  mostMs = MOST_MS,
): Promise<string[] | null> {
  const command = [process.execPath, 'test', '--timeout', '20000', ...tests]
  const run = Bun.spawn(command, {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
    stdout: 'ignore',
    stderr: 'pipe',
    timeout: mostMs,
    killSignal: 'SIGKILL',
  })
  const [text, code] = await Promise.all([new Response(run.stderr).text(), run.exited])
  const failed = [...text.matchAll(/^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/gm)].map(
    ([, name = '']) => name,
  )
  return code === 0 || failed.length > 0 ? failed : null
}

async function outcomeOf(folder: string, mutant: Mutant): Promise<Outcome> {
  const started = performance.now()
  const ended = (missed: string | null, noticed = '') => {
    return { mutant, missed, noticed, seconds: (performance.now() - started) / 1000 }
  }
  const path = join(folder, mutant.file)
  const text = await readFile(path, 'utf8')
  if (text.split(mutant.from).length !== 2) return ended('its text is not found exactly once')
  await writeFile(
    path,
    text.replace(mutant.from, () => mutant.to),
  )
  try {
    const failed = await failures(folder, mutant.tests)
    if (failed === null) return ended('the tests could not be run')
    return failed[0] === undefined ? ended('SURVIVES') : ended(null, failed[0])
  } finally {
    await writeFile(path, text)
  }
}

const folders = await Promise.all(Array.from({ length: WORKERS }, copyTree))
try {
  const [first = ''] = folders
  const used = [...new Set(mutants.flatMap(({ tests }) => tests))]
  const already = await failures(first, used, MOST_MS * 5)
  if (already === null || already.length > 0) {
    throw new Error(`without any change these tests fail: ${already ?? used}`)
  }
  const rest = mutants.values()
  const outcomes: Outcome[] = []
  await Promise.all(
    folders.map(async (folder) => {
      for (const mutant of rest) {
        const outcome = await outcomeOf(folder, mutant)
        outcomes.push(outcome)
        const { missed, noticed, seconds } = outcome
        console.log(
          `${seconds.toFixed(1).padStart(5)} s  ${mutant.does}\n         ${missed ?? `noticed: ${noticed}`}`,
        )
      }
    }),
  )
  const missed = outcomes.filter((outcome) => outcome.missed !== null)
  console.log(`\n${outcomes.length} mutants, ${outcomes.length - missed.length} noticed`)
  for (const { mutant, missed: why } of missed)
    console.log(`${mutant.file}: ${mutant.does}: ${why}`)
  process.exitCode = missed.length === 0 && outcomes.length > 0 ? 0 : 1
} finally {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
}
