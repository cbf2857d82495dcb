#!/usr/bin/env bash
# Checks a running service end to end, and exits 1 when anything is not as promised. Starts nothing.
# Usage: scripts/verify.sh [http://127.0.0.1:8000]      Needs bash, curl and sed. Makes some 30 requests.
set -uo pipefail
cd "$(dirname "$0")/.."

API=${1:-${API:-http://127.0.0.1:8000}}
NAME=verify-$(date +%s)-$$
PASSWORD="a password of $NAME$RANDOM"
PASSWORD=${PASSWORD//verify/check}
ANSWER=$(mktemp)
SAVED=$(mktemp)
trap 'rm -f "$ANSWER" "$SAVED"' EXIT
passed=0
failed=0

# call METHOD PATH BEARER [curl options]: leaves the status in $status and the body in $ANSWER.
call() {
  local method=$1 path=$2 bearer=$3
  shift 3
  status=$(curl -s -o "$ANSWER" -w '%{http_code}' -X "$method" "$API$path" \
    ${bearer:+-H "authorization: Bearer $bearer"} "$@") || true
}
json() { call "$1" "$2" "$3" -H 'content-type: application/json' -d "$4"; }
field() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/" "$ANSWER"; }

# expect SENTENCE STATUS [TEXT...]: the last call had this status, and its body holds each text.
expect() {
  local sentence=$1 wanted=$2 text
  shift 2
  if [ "$status" != "$wanted" ]; then
    echo "FAILED  $sentence: status $status instead of $wanted"
    failed=$((failed + 1))
    return
  fi
  for text in "$@"; do
    if ! grep -qF -- "$text" "$ANSWER"; then
      echo "FAILED  $sentence: the answer lacks $text"
      failed=$((failed + 1))
      return
    fi
  done
  echo "passed  $sentence"
  passed=$((passed + 1))
}

call GET /health ''
expect 'the service is healthy' 200 '{"status":"ok"}'
if [ "$status" != 200 ]; then
  echo "There is no healthy service at $API: 0 passed, 1 failed"
  exit 1
fi
call GET /ready ''
expect 'the database answers and is migrated' 200
call GET / ''
expect 'the index names the endpoints' 200 '"endpoints"' '"docs":"/docs"'
call GET /docs ''
expect 'the documentation is there' 200 'swagger-ui'
call GET /openapi.json ''
expect 'the OpenAPI document is there' 200 '"openapi":"3.'

json POST /api/v1/auth/register '' "{\"username\":\"$NAME\",\"email\":\"$NAME@example.org\",\"password\":\"$PASSWORD\"}"
expect 'a person registers' 201 "\"username\":\"$NAME\""
json POST /api/v1/auth/register '' "{\"username\":\"$NAME\",\"email\":\"$NAME@example.org\",\"password\":\"$PASSWORD\"}"
expect 'a taken username is a conflict' 409
json POST /api/v1/auth/login '' "{\"username\":\"$NAME\",\"password\":\"not the password\"}"
expect 'a wrong password is refused' 401 'Incorrect username or password'
json POST /api/v1/auth/login '' "{\"username\":\"$NAME\",\"password\":\"$PASSWORD\"}"
expect 'a person logs in' 200 '"token_type":"bearer"'
jwt=$(field access_token)

json POST /api/v1/tokens "$jwt" '{"name":"verify","scopes":["fcs:analyze","workspaces:delete"],"expires_in_days":1}'
expect 'a token is issued and shown' 201 '"token":"pat_'
pat=$(field token)
token=$(sed 's/.*"data":{"id":"\([^"]*\)".*/\1/' "$ANSWER")
call GET "/api/v1/tokens/$token" "$jwt"
expect 'a token is described without its string' 200 '"status":"active"'
if grep -qF -- "$pat" "$ANSWER"; then
  echo 'FAILED  the whole token is shown a second time'
  failed=$((failed + 1))
fi
call GET /api/v1/tokens "$pat"
expect 'a token cannot manage tokens' 401 'Invalid token'
call GET /api/v1/fcs/parameters ''
expect 'a request without a token is refused' 401
call GET /api/v1/fcs/parameters "${pat%?}!"
expect 'a mistyped token is refused' 401 'Invalid token'

call GET /api/v1/fcs/parameters "$pat"
expect 'the parameters of the sample are read' 200 '"total_events":34297' '"total_parameters":26'
call GET '/api/v1/fcs/events?limit=3&parameters=FSC-A' "$pat"
expect 'events of the sample are read' 200 '"events":[{"FSC-A":'
call GET /api/v1/fcs/statistics "$pat"
expect 'statistics of the sample are read' 200 '"median":' '"std":'
call POST /api/v1/fcs/upload "$pat" -F file=@data/sample.fcs
expect 'a file is uploaded' 201 '"total_events":34297'
file=$(field file_id)
call GET "/api/v1/fcs/files/$file/download" "$pat"
expect 'the file is downloaded' 200
cp "$ANSWER" "$SAVED"
if cmp -s "$SAVED" data/sample.fcs; then
  echo 'passed  the very bytes come back'
  passed=$((passed + 1))
else
  echo 'FAILED  the downloaded bytes differ'
  failed=$((failed + 1))
fi
call DELETE "/api/v1/fcs/files/$file" "$pat"
expect 'the file is deleted' 200
call GET "/api/v1/fcs/files/$file" "$pat"
expect 'a deleted file is gone' 404
call POST /api/v1/fcs/upload "$pat" -F file=@package.json
expect 'what is no FCS file is refused with a reason' 422 '"reason":"not_fcs"'

json POST /api/v1/workspaces "$pat" '{"name":"verify"}'
expect 'delete includes write: a workspace is created' 201 '"granted_by":"workspaces:delete"'
workspace=$(sed 's/.*"workspace":{"id":"\([^"]*\)".*/\1/' "$ANSWER")
json PUT "/api/v1/workspaces/$workspace/settings" "$pat" '{}'
expect 'delete does not include admin' 403 '"required_scope":"workspaces:admin"'
call DELETE "/api/v1/workspaces/$workspace" "$pat"
expect 'the workspace is deleted' 200
call GET /api/v1/users/me "$pat"
expect 'no scope reaches across resources' 403 '"required_scope":"users:read"'

call DELETE "/api/v1/tokens/$token" "$jwt"
expect 'the token is revoked' 200 'Token revoked successfully'
call GET /api/v1/fcs/parameters "$pat"
expect 'a revoked token is refused' 401 'Token revoked'
call GET "/api/v1/tokens/$token/logs?limit=100" "$jwt"
expect 'every use of the token is in its log' 200 '"total_logs":14' '"reason":"Token revoked"' '"reason":"Insufficient scope"'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
