import { PROBLEM_TYPES } from './types.ts'

/** What the `type` of every problem leads to. */
export const problemsPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems of the PAT Auth System API</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<h1>Problems</h1>
<p>Every failure of the API is one of these. With <code>Accept: application/problem+json</code> it is answered as
RFC 9457 has it, and its <code>type</code> leads here; its <code>instance</code> is the id of the request.</p>
${PROBLEM_TYPES.map(
  ({ slug, status, title, meaning }) =>
    `<h2 id="${slug}">${title}</h2>\n<p><strong>${status}.</strong> ${meaning}</p>`,
).join('\n')}
<p><a href="/docs">The API</a></p>
</body>
</html>
`
