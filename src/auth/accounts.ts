import type { Sql } from 'postgres'
import { breaksUnique } from '../db.ts'
import { refuse, refuseField } from '../errors.ts'
import { NAME } from '../name.ts'
import { caseless } from '../schema.ts'
import { guessable } from './guessable.ts'
import type { Passwords } from './password.ts'
import type { Throttle } from './throttle.ts'

export type Account = {
  id: string
  username: string
  email: string
  display_name: string | null
  created_at: Date
}

type Credentials = Pick<Account, 'id' | 'username' | 'email'> & {
  password_hash: string
  is_active: boolean
  session_epoch: number
}

type LoggedIn = Omit<Credentials, 'password_hash' | 'is_active'>

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

/** `request` is who asks: wrong passwords are counted for its address, too. */
export function createAccounts(given: { sql: Sql; passwords: Passwords; throttle: Throttle }) {
  const { sql, passwords, throttle } = given
  const columns = sql`id, username, email, password_hash, is_active, session_epoch`

  /** Runs `change` on the account when the password is its own, which it then is at the moment of the change, too. */
  const confirmed = async (
    id: string,
    password: string,
    request: Request,
    change: (account: Credentials) => PromiseLike<{ count: number }>,
  ): Promise<void> => {
    const [account] = await sql<Credentials[]>`select ${columns} from users where id = ${id}`
    if (!account) throw refuse('not_found')
    await throttle.password(id, request, async () => {
      if (await passwords.matches(account.password_hash, password)) return
      // Not 401: the access token is good, and a client that drops it would be wrong.
      throw refuse('forbidden', 'Incorrect password')
    })
    const { count } = await change(account)
    if (count === 0) throw refuse('conflict', 'The account was changed meanwhile')
  }

  return {
    register(
      { username, email, password }: { username: string; email: string; password: string },
      request: Request,
    ): Promise<Omit<Account, 'display_name'>> {
      return throttle.registration(request, async () => {
        // Hashed whether the names are free or taken, so that both take as long.
        const hash = await passwords.hash(password)
        const [account] = await orTaken(sql<Account[]>`
          insert into users (username, username_key, email, email_key, password_hash)
          values (${username}, ${caseless(username)}, ${email}, ${caseless(email)}, ${hash})
          returning id, username, email, created_at`)
        if (!account) throw new Error('a user was inserted but not returned')
        return account
      })
    },

    /** The account of a username or email and its password. Who is unknown is told no more than who is wrong. */
    logIn(username: string, password: string, request: Request): Promise<LoggedIn> {
      const key = caseless(username.trim())
      const headers = { 'www-authenticate': `Bearer realm="${NAME}"` }
      return throttle.password(key, request, async () => {
        const named = await sql<Credentials[]>`
          select ${columns} from users
          where email_key = ${key} or username_key = ${key} order by email_key = ${key}`
        let found: Credentials | undefined
        // One person's username may be another's email: the password then says who is meant.
        for (const account of named.length > 0 ? named : [undefined]) {
          if (await passwords.matches(account?.password_hash, password)) found = account
        }
        if (!found) throw refuse('unauthorized', 'Incorrect username or password', { headers })
        if (!found.is_active) throw refuse('unauthorized', 'Account is inactive', { headers })
        if (passwords.isOutdated(found.password_hash)) {
          await sql`
            update users set password_hash = ${await passwords.hash(password)}
            where id = ${found.id} and password_hash = ${found.password_hash}`
        }
        // By its id, the account is known where a password is asked for again.
        await throttle.recognise([key, found.id], request)
        const { password_hash, is_active, ...account } = found
        return account
      })
    },

    /** Changes the password, and ends every login. */
    changePassword(
      id: string,
      { current, next }: { current: string; next: string },
      request: Request,
    ): Promise<void> {
      return confirmed(id, current, request, async (account) => {
        const rule = guessable(next, account)
        if (rule) throw refuseField('new_password', rule)
        return sql`
          update users set password_hash = ${await passwords.hash(next)},
            session_epoch = session_epoch + 1, updated_at = now()
          where id = ${id} and password_hash = ${account.password_hash} and is_active`
      })
    },

    /** Deactivates the account: its logins and tokens are refused. */
    deactivate(id: string, password: string, request: Request): Promise<void> {
      return confirmed(
        id,
        password,
        request,
        ({ password_hash }) => sql`
          update users set is_active = false, updated_at = now()
          where id = ${id} and password_hash = ${password_hash} and is_active`,
      )
    },
  }
}
