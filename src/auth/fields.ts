import { z } from 'zod'
import { body, documented, text, within } from '../schema.ts'
import { guessable } from './guessable.ts'

/** Of the lengths that mail servers must take (RFC 5321 §4.5.3.1, and RFC 1035 §2.3.4 for names); ASCII, as z.email has it. */
export const email = z
  .email('an email address')
  .max(254, 'at most 254 characters')
  .regex(/^.{1,64}@/, 'at most 64 characters before the @')
  .regex(/@(?:[^.]{1,63}\.)*[^.]{1,63}$/, 'at most 63 characters from dot to dot')

// What is not seen, or not as what it is: controls, formats, private use, what is unassigned, what is shown by nothing, a
// blank that is no space, and a mark with nothing to stand on. Other names may have joiners: nobody logs in by those.
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]|[^\S ]| {2}|^\p{M}/u

/** By it people tell each other apart, so no two may differ by what nobody sees; nor by case or form, see `caseless`. */
const username = text(3, 50).refine(
  (name) => !UNSEEN.test(name),
  'visible characters, and single spaces between them',
)

const newPassword = z
  .string('text')
  .refine((value) => within(value, 8, 256), 'text of 8 to 256 characters')
  .refine((value) => value.isWellFormed(), 'well-formed Unicode')
  .meta({ type: 'string', minLength: 8, maxLength: 256 })

const password = z.string('text').max(1000, 'at most 1000 characters')

export const Registration = documented(
  body({ username, email, password: newPassword }).superRefine((given, context) => {
    const message = guessable(given.password, given)
    if (message) context.addIssue({ code: 'custom', path: ['password'], message })
  }),
)

export const Login = documented(
  body({
    username: z
      .string('text')
      .max(1000, 'at most 1000 characters')
      .refine((name) => !name.includes('\0'), 'text')
      .describe('The username or the email'),
    password,
  }),
)

export const PasswordChange = documented(
  body({ current_password: password, new_password: newPassword }),
)

export const Deactivation = documented(body({ password }))
