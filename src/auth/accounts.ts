import type { Sql } from 'postgres'
import { breaksUnique } from '../db.ts'
import { refuse } from '../errors.ts'
import { NAME } from '../name.ts'
import { caseless } from '../schema.ts'
import { hashPassword, isOutdated, passwordMatches } from './password.ts'

export type Account = {
  id: string
  username: string
  email: string
  display_name: string | null
  created_at: Date
}

type Credentials = Account & { password_hash: string; is_active: boolean }

/** Runs a statement that names a user; a name that is taken is a conflict. */
export async function orTaken<T>(statement: PromiseLike<T>): Promise<T> {
  try {
    return await statement
  } catch (error) {
    if (breaksUnique(error, 'users_username_key_key'))
      throw refuse('conflict', 'The username is taken')
    if (breaksUnique(error, 'users_email_key_key')) throw refuse('conflict', 'The email is taken')
    throw error
  }
}

export async function register(
  sql: Sql,
  { username, email, password }: { username: string; email: string; password: string },
): Promise<Omit<Account, 'display_name'>> {
  const [account] = await orTaken(sql<Account[]>`
    insert into users (username, username_key, email, email_key, password_hash)
    values (${username}, ${caseless(username)}, ${email}, ${caseless(email)}, ${await hashPassword(password)})
    returning id, username, email, created_at`)
  if (!account) throw new Error('a user was inserted but not returned')
  return account
}

/** The account of a username or email and its password. Who is unknown is told no more than who is wrong. */
export async function logIn(sql: Sql, username: string, password: string): Promise<Account> {
  const key = caseless(username.trim())
  const named = await sql<Credentials[]>`
    select id, username, email, display_name, created_at, password_hash, is_active from users
    where email_key = ${key} or username_key = ${key} order by email_key = ${key}`
  let found: Credentials | undefined
  // One person's username may be another's email: the password then says who is meant.
  for (const account of named.length > 0 ? named : [undefined]) {
    if (await passwordMatches(account?.password_hash, password)) found = account
  }
  const headers = { 'www-authenticate': `Bearer realm="${NAME}"` }
  if (!found) throw refuse('unauthorized', 'Incorrect username or password', { headers })
  if (!found.is_active) throw refuse('unauthorized', 'Account is inactive', { headers })
  const { password_hash, is_active, ...account } = found
  if (isOutdated(password_hash)) {
    await sql`
      update users set password_hash = ${await hashPassword(password)}
      where id = ${found.id} and password_hash = ${password_hash}`
  }
  return account
}
