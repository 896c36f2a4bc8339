#!/usr/bin/env bash
# Pushes events in batches of 100, tries again until they are stored, and never stores one twice. Takes curl and jq.
#
#   push-events.sh [FILE]    FILE: one JSON event a line, may be /dev/stdin; without it, the orders below
#
# Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE, and TIDEGATE_TOKEN or TIDEGATE_TOKEN_FILE.
# TIDEGATE_RETRY_FOR: seconds in which a batch must get through, default 300.
# Exit: 0 all are stored, 1 an event was refused, 2 a request was refused or given up. Running it again is safe.
set -euo pipefail
: "${TIDEGATE_URL:?}" "${TIDEGATE_PROJECT:?}" "${TIDEGATE_DATASOURCE:?}"
url="$TIDEGATE_URL/v1/project/$TIDEGATE_PROJECT/datasource/$TIDEGATE_DATASOURCE/stream/events"
attempts=12 base_ms=250 cap_ms=30000 retry_for=${TIDEGATE_RETRY_FOR:-300} failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An event of an order. The id follows from what happened, so it is the same in every attempt and every run.
purchase() {
  printf '{"_event_id":"purchase-%s","_event_type":"purchase","_user_id":"%s","_event_date":"%s",' "$1" "$2" "$4"
  printf '"_event_parameters":{"order_id":"%s","amount":"%s","currency":"EUR"}}\n' "$1" "$3"
}
orders() {
  purchase 1001 ada 12.50 2025-11-20T10:15:00Z
  purchase 1002 grace 99.00 2025-11-20T10:16:30Z
}

# The token; from a file where one is named, so that a rotation needs no restart.
token() {
  if [ -n "${TIDEGATE_TOKEN_FILE:-}" ]; then cat -- "$TIDEGATE_TOKEN_FILE"; else printf '%s' "${TIDEGATE_TOKEN:?}"; fi
}

# Sends the body once and sets `status`, 000 where no answer came. The token reaches curl through a pipe: what stands
# on a command line is shown to everyone by `ps`.
post() {
  : >"$work/head"
  : >"$work/answer"
  status=$(curl -sS --max-time 30 -D "$work/head" -o "$work/answer" -w '%{http_code}' \
    -H @<(printf 'Authorization: Bearer %s\n' "$key") -H 'Content-Type: application/json' \
    --data-binary @"$work/body" "$url") || status=000
}

# Retry-After as seconds from now, rounded up; it may be a number or a date.
least_wait() {
  local value at
  value=$(tr -d '\r' <"$work/head" | awk 'tolower($1) == "retry-after:" { sub(/^[^ ]* */, ""); print }')
  case $value in
    '') echo 0 ;;
    *[!0-9]*)
      at=$({ date -d "$value" +%s || date -juf '%a, %d %b %Y %T GMT' "$value" +%s || date +%s; } 2>/dev/null)
      at=$((at - $(date +%s)))
      echo $((at > 0 ? at : 0))
      ;;
    *) echo "$((10#$value))" ;;
  esac
}

# Prints what became of each item of the batch.
report() {
  jq -r '.errors as $errors | .entity.items | to_entries[] | .key as $position | [
    .value.outcome,
    (.value._event_id | if . == "" then "(item \($position) of its batch)" else . end),
    ($errors[] | select(.position == $position).error) // ""
  ] | @tsv' "$work/answer"
  jq -e .success "$work/answer" >/dev/null || failed=1
}

# Sends a batch, one event an argument, until it is judged. Ends the script when it is refused or given up.
push() {
  local deadline=$((SECONDS + retry_for)) attempt fresh reason cap pause
  (IFS=, && printf '[%s]' "$*") >"$work/body" # every attempt sends this body
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    post
    case $status in
      202 | 422) report && return ;;
      401)
        fresh=$(token)
        if [ "$fresh" != "$key" ]; then
          key=$fresh # it was rotated
          continue
        fi
        ;;
    esac
    reason=$(jq -r '"\(.status) \(.code): \(.detail) (request \(.request_id))"' "$work/answer" 2>/dev/null || true)
    reason=${reason:-"$status: no problem document"}
    # Full jitter, on top of what the server asks for.
    cap=$(((base_ms << attempt) < cap_ms ? base_ms << attempt : cap_ms))
    pause=$(($(least_wait) * 1000 + RANDOM * cap / 32768))
    case $status in 000 | 408 | 429 | 500 | 502 | 503 | 504) ;; *) break ;; esac
    if ((attempt == attempts || SECONDS * 1000 + pause > deadline * 1000)); then break; fi
    pause=$((pause / 1000)).$(printf '%03d' $((pause % 1000)))
    echo "$reason; again in $pause s" >&2
    sleep "$pause"
  done
  echo "$reason" >&2
  exit 2
}

key=$(token)
if [ $# -gt 0 ]; then exec <"$1"; else exec < <(orders); fi
batch=()
while IFS= read -r line || [ -n "$line" ]; do
  batch+=("$line")
  if [ ${#batch[@]} -lt 100 ]; then continue; fi
  push "${batch[@]}"
  batch=()
done
if [ ${#batch[@]} -gt 0 ]; then push "${batch[@]}"; fi
exit "$failed"
