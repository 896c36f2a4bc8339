#!/usr/bin/env bash
# Replaces the datasource token in a file by a new one, without a moment in which pushes fail. Takes curl and jq.
#
#   TIDEGATE_TOKEN_FILE=/etc/shop/tidegate-token rotate-token.sh [NAME]    NAME: of the new key
#
# Needs TIDEGATE_URL, TIDEGATE_PROJECT and TIDEGATE_DATASOURCE, and `tidegate` on the PATH with what it takes to reach
# the database (TIDEGATE_DATA_DIR or TIDEGATE_DATABASE_URL).
# Exit: 0 it is rotated. A failure before the switch leaves everything as it was; after it, only revoking is left.
set -euo pipefail
: "${TIDEGATE_URL:?}" "${TIDEGATE_PROJECT:?}" "${TIDEGATE_DATASOURCE:?}" "${TIDEGATE_TOKEN_FILE:?}"
file=$(realpath -- "$TIDEGATE_TOKEN_FILE") # a link stays a link
url="$TIDEGATE_URL/v1/project/$TIDEGATE_PROJECT/datasource/$TIDEGATE_DATASOURCE/stream"

# Whose token is this? The cheapest request there is. It prints the answer to a valid token and fails with the reason
# otherwise. The token reaches curl through a pipe: what stands on a command line is shown to everyone by `ps`.
probe() {
  curl -sS --max-time 30 -H @<(printf 'Authorization: Bearer %s\n' "$1") "$url" |
    jq -c 'if .token then . else error("\(.status) \(.code): \(.detail) (request \(.request_id))") end'
}

old=$(probe "$(cat -- "$file")")
datasource=$(printf '%s' "$old" | jq -r .datasource.uid)
prefix=$(printf '%s' "$old" | jq -r .token.prefix)
old_id=$(tidegate key list --json | jq -r --arg datasource "$datasource" --arg prefix "$prefix" \
  '.[] | select(.datasource == $datasource and .prefix == $prefix and .revokedAt == null).id')
if [[ $old_id != *-* || $old_id == *$'\n'* ]]; then
  echo "not one live key of $datasource begins with $prefix: rotate by hand" >&2
  exit 1
fi

# 1. Make the successor. From here on both work.
made=$(tidegate key create --kind datasource --datasource "$datasource" --name "${1:-rotated $(date +%F)}" --json)
new=$(printf '%s' "$made" | jq -r .key)
new_id=$(printf '%s' "$made" | jq -r .id)
beside=$(mktemp "$file.XXXXXX")
trap 'rm -f -- "$beside"; [ "$(cat -- "$file")" = "$new" ] || tidegate key revoke "$new_id" >&2' EXIT # until the switch

# 2. Check it against the server, not against what the command says. Every server knows it within a second.
for left in 9 8 7 6 5 4 3 2 1 0; do
  sleep 1
  if answer=$(probe "$new"); then break; elif [ "$left" -eq 0 ]; then exit 1; fi
done
printf '%s' "$answer" | jq -r '.token | "new: \(.kind) key \(.name), \(.prefix)…"'

# 3. Switch the clients over, in one step: whoever reads the file sees the old token or the new one. The copy keeps the
# owner. Clients read the file again at their next 401.
cp -p -- "$file" "$beside"
chmod 600 "$beside"
printf '%s\n' "$new" >"$beside"
mv -f -- "$beside" "$file"
trap - EXIT

# 4. Revoke the old one, by its id. Clients that do not read the file again have to be restarted before this.
tidegate key revoke "$old_id" >/dev/null
echo "old: revoked $old_id, $prefix…"
