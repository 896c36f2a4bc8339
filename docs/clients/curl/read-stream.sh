#!/usr/bin/env bash
# Reads the stream of a project, one item a line as JSON, until it is caught up. Takes curl 7.71 or newer, and jq.
#
#   read-stream.sh [PLACE]    PLACE: a file that keeps the cursor from run to run; without it, from the oldest item on
#
# Needs TIDEGATE_URL, TIDEGATE_PROJECT, and a TIDEGATE_TOKEN with PROJECT_STREAM_READ in the environment.
# TIDEGATE_RETRY_FOR: seconds in which a page must come, default 300.
# Exit: 0 caught up, 2 a request was refused or given up. Running it again goes on; only the last page may come twice.
set -euo pipefail
: "${TIDEGATE_URL:?}" "${TIDEGATE_PROJECT:?}" "${TIDEGATE_TOKEN:?}"
url="$TIDEGATE_URL/v1/project/$TIDEGATE_PROJECT/stream"
place=${1:-} after=""
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -n "$place" ] && [ -s "$place" ]; then after=$(cat -- "$place"); fi

# Gets the page behind `after` and sets `status`, 000 where no answer came. curl tries again by itself, and waits as long as
# Retry-After says. The token reaches it through a pipe: what stands on a command line is shown to everyone by `ps`.
get() {
  : >"$work/head"
  : >"$work/page"
  status=$(curl -sS --max-time 60 --retry 12 --retry-all-errors --retry-max-time "${TIDEGATE_RETRY_FOR:-300}" \
    -D "$work/head" -o "$work/page" -w '%{http_code}' -H @<(printf 'Authorization: Bearer %s\n' "$TIDEGATE_TOKEN") \
    -H 'Accept: application/x-ndjson' --get -d limit=1000 ${after:+-d "after=$after"} "$url") || status=000
}

# A header of the answer.
header() {
  tr -d '\r' <"$work/head" | awk -v name="$1:" 'tolower($1) == name { value = $2 } END { print value }'
}

caught_up=false
while [ "$caught_up" != true ]; do
  get
  case $status in
    200)
      after=$(header x-next-cursor)
      caught_up=$(header x-caught-up)
      cat "$work/page"
      ;;
    410)
      # The cursor is older than what is kept, or from before a restore. Without a restart, from the oldest item on.
      after=$(jq -r '.restart // ""' "$work/page")
      jq -r '"\(.status) \(.code): \(.detail)"' "$work/page" >&2
      ;;
    *)
      jq -r '"\(.status) \(.code): \(.detail) (request \(.request_id))"' "$work/page" >&2 2>/dev/null ||
        echo "$status: no problem document" >&2
      exit 2
      ;;
  esac
  # Only now, with the lines written; by a rename, so that there is a whole cursor at every moment.
  if [ -n "$place" ]; then printf '%s' "$after" >"$place.new" && mv -- "$place.new" "$place"; fi
done
