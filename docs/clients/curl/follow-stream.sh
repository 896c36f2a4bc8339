#!/usr/bin/env bash
# Follows the stream of a project for ever, one item a line as JSON. Takes curl and jq.
#
#   follow-stream.sh [PLACE]    PLACE: a file that keeps the cursor, the same as for read-stream.sh; without it, from now on
#
# Needs TIDEGATE_URL, TIDEGATE_PROJECT, and a TIDEGATE_TOKEN with PROJECT_STREAM_READ in the environment, or TIDEGATE_TOKEN_FILE.
# It comes back whenever the connection ends. Exit: 2 when it is refused for good.
set -euo pipefail
: "${TIDEGATE_URL:?}" "${TIDEGATE_PROJECT:?}"
url="$TIDEGATE_URL/v1/project/$TIDEGATE_PROJECT/stream/live"
# Until there is a cursor, every attempt begins at the same time, so that nothing is missed between two.
place=${1:-} last="" from=$(date -u +%Y-%m-%dT%H:%M:%SZ) failures=0 curl=""
work=$(mktemp -d)
trap 'if [ -n "$curl" ]; then kill "$curl" 2>/dev/null || true; fi; rm -rf "$work"' EXIT
if [ -n "$place" ] && [ -s "$place" ]; then last=$(cat -- "$place"); fi
mkfifo "$work/pipe"

# Read anew for each attempt, so that a rotation needs no restart. It reaches curl through a pipe: what stands on a command line
# is shown to everyone by `ps`.
secret() {
  if [ -n "${TIDEGATE_TOKEN_FILE:-}" ]; then cat -- "$TIDEGATE_TOKEN_FILE"; else printf '%s' "${TIDEGATE_TOKEN:?}"; fi
}

# Follows until the connection ends. 30 s without a line, not even a comment, are an end too.
follow() {
  local line id="" data="" at=(--get --data-urlencode "from=$from")
  if [ -n "$last" ]; then at=(-H "Last-Event-ID: $last"); fi
  : >"$work/head"
  curl -sSN --connect-timeout 30 -D "$work/head" -H @<(printf 'Authorization: Bearer %s\n' "$(secret)") \
    "${at[@]}" "$url" >"$work/pipe" &
  curl=$!
  while IFS= read -r -t 30 line; do
    case $line in
      'id: '*) id=${line#id: } ;;
      'data: '*) data=${line#data: } ;;
      '')
        if [ -z "$id" ]; then continue; fi
        # Without an item: nothing was wanted up to there.
        if [ -n "$data" ]; then printf '%s\n' "$data"; fi
        last=$id id="" data="" failures=0
        # Only now, with the line written; by a rename, so that there is a whole cursor at every moment.
        if [ -n "$place" ]; then printf '%s' "$last" >"$place.new" && mv -- "$place.new" "$place"; fi
        ;;
    esac
  done <"$work/pipe"
  printf '%s' "$line" >"$work/problem" # of a refusal
  kill "$curl" 2>/dev/null || true
  wait "$curl" 2>/dev/null || true
  curl=""
}

while :; do
  follow
  status=$(awk 'NR == 1 { print $2 }' "$work/head")
  wait=$(tr -d '\r' <"$work/head" | awk 'tolower($1) == "retry-after:" && $2 ~ /^[0-9]+$/ { print $2 }')
  case ${status:-000} in
    200) failures=0 ;;
    410)
      # The cursor is older than what is kept, or from before a restore. Without a restart, from the oldest item on.
      jq -r '"\(.status) \(.code): \(.detail)"' "$work/problem" >&2
      last=$(jq -r '.restart // ""' "$work/problem")
      from=1970-01-01T00:00:00Z
      ;;
    000 | 408 | 429 | 500 | 502 | 503 | 504) failures=$((failures + 1)) ;;
    *)
      jq -r '"\(.status) \(.code): \(.detail) (request \(.request_id))"' "$work/problem" >&2 2>/dev/null ||
        echo "$status: no problem document" >&2
      exit 2
      ;;
  esac
  # Back-off with full jitter up to 32 s, on top of what the server asks for; 2 s are its `retry:`.
  pause=$(awk -v least="${wait:-2}" -v n="$failures" -v r="$RANDOM" 'BEGIN { c = n > 5 ? 32 : 2 ^ n; print least + c * r / 32768 }')
  sleep "$pause"
done
