import { cp, mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { z } from 'zod'

/** What a Dockerfile makes: the last stage's file tree under `root`, and how it is to be run. */
export type Image = {
  root: string
  workdir: string
  env: Record<string, string>
  command: string[]
  /** A line for a shell. */
  healthcheck: string
}

type Context = { project: string; dockerignore: string; stages: Map<string, Image> }

/** A Dockerfile's instructions in order, without comments, each on one line. */
export function instructions(dockerfile: string): { keyword: string; value: string }[] {
  return dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword, value] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? []
      if (!keyword || !value) throw new Error(`not an instruction: ${line}`)
      return { keyword, value }
    })
}

/** By the last rule that matches the path or a folder it lies in, as Docker reads .dockerignore. */
export function isIgnored(dockerignore: string, path: string): boolean {
  const parts = path.split('/')
  const selfAndParents = parts.map((_, depth) => parts.slice(0, depth + 1).join('/'))
  const deciding = dockerignore
    .split('\n')
    .filter((rule) => rule !== '' && !rule.startsWith('#'))
    .findLast((rule) => {
      const glob = new Bun.Glob(rule.replace(/^!/, ''))
      return selfAndParents.some((name) => glob.match(name))
    })
  return deciding !== undefined && !deciding.startsWith('!')
}

/**
 * Carries out a project's Dockerfile in the empty folder `into`, on this machine instead of in a
 * base image: COPY takes what .dockerignore lets through, RUN is done by a shell with absolute paths
 * put under the stage's root. `chown` alone is left out: it needs root and the image's users.
 */
export async function buildImage(project: string, into: string): Promise<Image> {
  const dockerfile = await readFile(join(project, 'Dockerfile'), 'utf8')
  const dockerignore = await readFile(join(project, '.dockerignore'), 'utf8')
  const context = { project, dockerignore, stages: new Map<string, Image>() }
  let image: Image | undefined
  for (const { keyword, value } of instructions(dockerfile)) {
    if (keyword === 'FROM') image = await begin(value, into, context)
    else if (!image) throw new Error(`${keyword} before FROM`)
    else await step(image, keyword, value, context)
  }
  if (!image) throw new Error('the Dockerfile has no FROM')
  return image
}

async function begin(value: string, into: string, { stages }: Context): Promise<Image> {
  const [, from = '', name = 'last'] = /^(\S+)(?: AS (\S+))?$/.exec(value) ?? []
  const base = stages.get(from)
  const root = join(into, name)
  if (base) await cp(base.root, root, { recursive: true, verbatimSymlinks: true })
  else await mkdir(root)
  const image = { workdir: '/', env: {}, command: [], healthcheck: '', ...base, root }
  stages.set(name, image)
  return image
}

async function step(image: Image, keyword: string, value: string, context: Context) {
  switch (keyword) {
    case 'WORKDIR':
      image.workdir = resolve(image.workdir, value)
      await mkdir(join(image.root, image.workdir), { recursive: true })
      break
    case 'COPY':
      await copy(image, value, context)
      break
    case 'RUN':
      await run(image, value)
      break
    case 'ENV': {
      const pairs = [...value.matchAll(/(\w+)=(\S+)/g)].map(([, name, set]) => [name, set])
      image.env = { ...image.env, ...Object.fromEntries(pairs) }
      break
    }
    case 'CMD':
      image.command = z.array(z.string()).parse(JSON.parse(value))
      break
    case 'HEALTHCHECK':
      image.healthcheck = value.replace(/^.* CMD /, '')
      break
    case 'USER':
    case 'VOLUME':
    case 'EXPOSE':
      break
    default:
      throw new Error(`${keyword} is not carried out here`)
  }
}

async function copy(image: Image, value: string, { project, dockerignore, stages }: Context) {
  const words = value.split(/\s+/)
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length)
  const paths = words.filter((word) => !word.startsWith('--'))
  const destination = paths.pop() ?? ''
  const target = join(image.root, resolve(image.workdir, destination))
  const source = from === undefined ? project : stages.get(from)?.root
  if (source === undefined) throw new Error(`COPY from the unknown stage ${from}`)
  const sent = (path: string) =>
    from !== undefined || !isIgnored(dockerignore, relative(project, path))
  for (const path of paths) {
    const full = join(source, path)
    if (!sent(full)) throw new Error(`COPY ${path}: .dockerignore keeps it out of the build`)
    const intoFolder = destination.endsWith('/') && (await stat(full)).isFile()
    const to = intoFolder ? join(target, basename(path)) : target
    await cp(full, to, { recursive: true, verbatimSymlinks: true, filter: sent })
  }
}

async function run(image: Image, command: string) {
  const rebased = command.replace(/(?<=\s|^)\/(?=\w)/g, `${image.root}/`)
  const shell = Bun.spawn(['sh', '-euc', `chown() { :; }\n${rebased}`], {
    cwd: join(image.root, image.workdir),
    env: { ...process.env, ...image.env },
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const complaint = await shell.stderr.text()
  if ((await shell.exited) !== 0) throw new Error(`RUN ${command}\n${complaint}`)
}
