import { dictionary } from '@zxcvbn-ts/language-common'
import { NAME } from '../name.ts'
import { caseless } from '../schema.ts'

// Some 49,000 passwords of known breaches, in lower case, the most common first.
const LEAKED = dictionary['passwords-common']
const COMMON = new Set(LEAKED)
const MOST_COMMON = new Set(LEAKED.slice(0, 1000))

const DISGUISES: Record<string, string> = {
  '0': 'o',
  '1': 'l',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/**
 * Which rule a password breaks by being one of the first that are tried: a common one, or made of nothing but the
 * username, the name in front of the email's @, or the service's name. Null when it is none. As NIST SP 800-63B-4
 * §3.1.1.2 asks, it is compared as a whole, in any case, with letters written as digits (`p4ssw0rd`), and without what
 * is put around a word to please a rule (`Password2024!`).
 */
export function guessable(
  password: string,
  { username, email }: { username: string; email: string },
): string | null {
  const whole = caseless(password)
  const core = withoutAffixes(whole)
  if ([whole, undisguised(whole)].some((form) => COMMON.has(form))) return COMMON_RULE
  if ([core, undisguised(core)].some((form) => MOST_COMMON.has(form))) return COMMON_RULE
  if (whole.includes(caseless(username))) return 'a password that does not contain the username'
  const words = [username, email.split('@')[0] ?? '', NAME].map((word) => joined(caseless(word)))
  const forms = [whole, undisguised(whole), core, undisguised(core)].map(joined)
  return forms.some((form) => form !== '' && words.includes(form)) ? CONTEXT_RULE : null
}

const COMMON_RULE = 'a password that is not among the common ones, nor like one'
const CONTEXT_RULE = 'a password that is more than your name or that of this service'

const undisguised = (text: string) =>
  text.replace(/[0134577@$!]/g, (sign) => DISGUISES[sign] ?? sign)

/** Without the digits and signs at its ends, as long as these are not most of it. */
function withoutAffixes(text: string): string {
  const core = text.replace(/^[^\p{L}]+|[^\p{L}]+$/gu, '')
  return core.length * 2 >= text.length ? core : text
}

/** Letters and digits alone: `pat-auth-system` and `Pat Auth System` are one word. */
const joined = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')
