#!/usr/bin/env bash
# Pushes contacts and prints what became of each. Takes curl and jq.
#
#   push-contacts.sh [FILE]    FILE: a JSON array of 1 to 100 contacts; without it, the two below
#
# Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE and TIDEGATE_TOKEN in the environment.
# Exit: 0 all are stored, 1 a contact was refused, 2 the whole request was refused or not answered.
set -euo pipefail
: "${TIDEGATE_URL:?}" "${TIDEGATE_PROJECT:?}" "${TIDEGATE_DATASOURCE:?}" "${TIDEGATE_TOKEN:?}"
url="$TIDEGATE_URL/v1/project/$TIDEGATE_PROJECT/datasource/$TIDEGATE_DATASOURCE/stream/contacts"

# A push merges: attributes that are left out stay as they are, null clears one. Custom attributes have no `_`.
contacts='[
  {"_user_id": "ada", "_email": "ada@example.com", "_first_name": "Ada"},
  {"_user_id": "grace", "_email": "grace@example.com", "favourite_colour": "green"}
]'

# The token reaches curl through a pipe: what stands on a command line is shown to everyone by `ps`.
# The status comes on a line of its own behind the body.
answer=$(
  if [ $# -gt 0 ]; then cat -- "$1"; else printf '%s' "$contacts"; fi |
    curl -sS --max-time 30 -w '\n%{http_code}' -H @<(printf 'Authorization: Bearer %s\n' "$TIDEGATE_TOKEN") \
      -H 'Content-Type: application/json' --data-binary @- "$url"
) || exit 2
status=${answer##*$'\n'}
document=${answer%$'\n'*}

case $status in
  202 | 422) ;;
  *)
    # A problem of the whole request: nothing was stored. `code` is for programs, `detail` for people.
    printf '%s' "$document" | jq -r '"\(.status) \(.code): \(.detail) (request \(.request_id))"' >&2 ||
      printf '%s %s\n' "$status" "$document" >&2
    exit 2
    ;;
esac

# Judged item by item: 202 when some are good, 422 when none is.
printf '%s' "$document" | jq -r '.errors as $errors | .entity.items | to_entries[] | .key as $position | [
  .value.outcome,
  (.value._user_id | if . == "" then "(item \($position))" else . end),
  ($errors[] | select(.position == $position).error) // ""
] | @tsv'
printf '%s' "$document" | jq -e .success >/dev/null
