#!/usr/bin/env bash
# Counts the instructions that parse, validate and encode take per event, and says how that stands to the recorded figure.
#
#   benches/instructions.sh             count and compare
#   benches/instructions.sh --record    count and write benches/instructions.txt
#
# Needs valgrind. Two runs, one with twice as many batches: their difference leaves out the start of the program.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
record=benches/instructions.txt
items=100 # of instructions.rs
batches=200

case "${1:-}" in
  "" | --record) ;;
  *)
    sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
command -v valgrind >/dev/null || {
  echo "valgrind was not found: apt-get install valgrind" >&2
  exit 1
}

# The program's own name, from the last line that cargo prints: `Executable benches/instructions.rs (target/…/instructions-…)`.
program=$(cargo bench --locked --no-run --bench instructions 2>&1 | tee /dev/stderr | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
[ -x "$program" ] || {
  echo "cargo named no program" >&2
  exit 1
}

# count <batches>: instructions of a whole run.
count() {
  local log
  log=$(mktemp)
  if ! valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$log" "$program" "$1"; then
    cat "$log" >&2
    exit 1
  fi
  sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log"
  rm -f "$log"
}

once=$(count "$batches")
twice=$(count $((2 * batches)))
now=$(((twice - once) / (batches * items)))
toolchain="$(rustc --version), $(uname -m)"
printf '%s instructions per event (parse, validate, encode; batches of %s; %s)\n' "$now" "$items" "$toolchain"

if [ "${1:-}" = --record ]; then
  printf '# Instructions per event, counted by benches/instructions.sh --record, and the toolchain they were counted with.\n%s\n%s\n' \
    "$now" "$toolchain" >"$record"
  echo "recorded in $record"
elif [ -f "$record" ]; then
  before=$(sed -n 2p "$record")
  awk -v now="$now" -v before="$before" -v with="$(sed -n 3p "$record")" \
    'BEGIN { printf "%s recorded (%s): %+.1f %%\n", before, with, (now - before) * 100 / before }'
else
  echo "nothing is recorded yet: benches/instructions.sh --record"
fi
