import type { Mutant } from './mutant.ts'

/** What guards passwords and logins. */
export const accounts: readonly Mutant[] = [
  {
    does: 'logs in with any password',
    file: 'src/auth/accounts.ts',
    from: 'if (await passwords.matches(account?.password_hash, password)) found = account',
    to: 'if (account) found = account',
    tests: ['tests/accounts/password.test.ts'],
  },
  {
    does: 'tells who has no account here',
    file: 'src/auth/accounts.ts',
    from: "if (!found) throw refuse('unauthorized', 'Incorrect username or password', { headers })",
    to: "if (!found) throw refuse('unauthorized', named.length ? 'Incorrect password' : 'Unknown user', { headers })",
    tests: ['tests/accounts/login.test.ts'],
  },
  {
    does: 'lets anybody guess passwords for ever',
    file: 'src/auth/throttle.ts',
    from: 'else if (count.binds) {',
    to: "else if (count.key === '') {",
    tests: ['tests/accounts/throttle.test.ts'],
  },
  {
    does: 'takes the passwords that are tried first',
    file: 'src/auth/guessable.ts',
    from: 'if ([whole, undisguised(whole)].some((form) => COMMON.has(form))) return COMMON_RULE',
    to: '',
    tests: ['tests/accounts/guessable.test.ts'],
  },
  {
    does: 'accepts a login that was logged out',
    file: 'src/auth/session.ts',
    from: 'if (state.ended || state.session_epoch !== epoch) {',
    to: 'if (state.session_epoch !== epoch) {',
    tests: ['tests/accounts/logout.test.ts'],
  },
  {
    does: 'accepts a login from before a new password',
    file: 'src/auth/session.ts',
    from: 'if (state.ended || state.session_epoch !== epoch) {',
    to: 'if (state.ended) {',
    tests: ['tests/accounts/change-password.test.ts'],
  },
  {
    does: 'makes a token that may destroy for a login of long ago',
    file: 'src/auth/recent-login.ts',
    from: 'if (Date.now() - loggedInAt.getTime() <= MAX_AGE_SECONDS * 1000) return',
    to: 'if (loggedInAt) return',
    tests: ['tests/accounts/recent-login.test.ts'],
  },
]
