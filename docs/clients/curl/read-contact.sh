#!/usr/bin/env bash
# Reads one contact and prints it as JSON, or `null` where there is none. Takes curl and jq.
#
#   read-contact.sh USER_ID
#
# Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE and TIDEGATE_TOKEN in the environment.
# Exit: 0 also where there is none, 2 the request was refused or not answered.
set -euo pipefail
: "${TIDEGATE_URL:?}" "${TIDEGATE_PROJECT:?}" "${TIDEGATE_DATASOURCE:?}" "${TIDEGATE_TOKEN:?}"
: "${1:?which contact? read-contact.sh USER_ID}"

# Everything but letters, digits and `_.-~` is encoded, `/` included: an id is one segment of the path.
id=$(printf '%s' "$1" | jq -sRr @uri)
url="$TIDEGATE_URL/v1/project/$TIDEGATE_PROJECT/datasource/$TIDEGATE_DATASOURCE/stream/contacts/$id"

# The token reaches curl through a pipe: what stands on a command line is shown to everyone by `ps`.
# The status comes on a line of its own behind the body. An id of dots is no way up the path.
answer=$(curl -sS --max-time 30 --path-as-is -w '\n%{http_code}' \
  -H @<(printf 'Authorization: Bearer %s\n' "$TIDEGATE_TOKEN") "$url") || exit 2
status=${answer##*$'\n'}
document=${answer%$'\n'*}
code=$(printf '%s' "$document" | jq -r '.code // ""' || true)

# Another 404, `not_found`, means that the project or the datasource is not there for this token.
if [ "$status" = 200 ]; then
  printf '%s' "$document" | jq .contact
elif [ "$code" = contact_not_found ]; then
  echo null
elif [ -n "$code" ]; then
  printf '%s' "$document" | jq -r '"\(.status) \(.code): \(.detail) (request \(.request_id))"' >&2
  exit 2
else
  echo "$status: no problem document" >&2
  exit 2
fi
