#!/usr/bin/env bash
# Every call of the README, one after the other, against a running service. Makes 14 requests; needs bash, curl and sed.
set -euo pipefail
cd "$(dirname "$0")/.."

API=${API:-http://127.0.0.1:8000}
NAME=${NAME:-ada-$(date +%s)-$$}

# An answer a line.
curl() { command curl -w '\n' "$@"; }

# Is it there?
curl -sSf "$API/health"

# Register, and log in for an access token.
curl -sSf "$API/api/v1/auth/register" -H 'content-type: application/json' \
  -d "{\"username\":\"$NAME\",\"email\":\"$NAME@example.org\",\"password\":\"correct horse battery\"}"
LOGIN=$(curl -sSf "$API/api/v1/auth/login" -H 'content-type: application/json' \
  -d "{\"username\":\"$NAME\",\"password\":\"correct horse battery\"}")
JWT=$(echo "$LOGIN" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

# Create a token that may analyze FCS data and read workspaces. Its string is shown this once.
CREATED=$(curl -sSf "$API/api/v1/tokens" -H "authorization: Bearer $JWT" -H 'content-type: application/json' \
  -d '{"name":"first script","scopes":["fcs:analyze","workspaces:read"],"expires_in_days":7}')
echo "$CREATED"
PAT=$(echo "$CREATED" | sed 's/.*"token":"\([^"]*\)".*/\1/')
TOKEN_ID=$(echo "$CREATED" | sed 's/.*"data":{"id":"\([^"]*\)".*/\1/')

# Read the built-in sample: its parameters, two events, the statistics of every channel.
curl -sSf "$API/api/v1/fcs/parameters" -H "authorization: Bearer $PAT"
curl -sSf "$API/api/v1/fcs/events?limit=2&parameters=FSC-A,SSC-A,Time" -H "authorization: Bearer $PAT"
curl -sSf "$API/api/v1/fcs/statistics" -H "authorization: Bearer $PAT"

# Upload a file (fcs:analyze includes fcs:write), and read it by its id.
UPLOADED=$(curl -sSf "$API/api/v1/fcs/upload" -H "authorization: Bearer $PAT" -F file=@data/sample.fcs)
echo "$UPLOADED"
FILE_ID=$(echo "$UPLOADED" | sed 's/.*"file_id":"\([^"]*\)".*/\1/')
curl -sSf "$API/api/v1/fcs/events?file_id=$FILE_ID&limit=1" -H "authorization: Bearer $PAT"
curl -sSf "$API/api/v1/fcs/files" -H "authorization: Bearer $PAT"

# A scope that the token lacks: 403, and the answer names it.
curl -sS "$API/api/v1/users/me" -H "authorization: Bearer $PAT"

# Revoke the token: from now on it answers 401.
curl -sSf -X DELETE "$API/api/v1/tokens/$TOKEN_ID" -H "authorization: Bearer $JWT"
curl -sS "$API/api/v1/fcs/parameters" -H "authorization: Bearer $PAT"

# Every one of those uses is in the token's log.
curl -sSf "$API/api/v1/tokens/$TOKEN_ID/logs" -H "authorization: Bearer $JWT"
