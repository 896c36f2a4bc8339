#!/usr/bin/env bash
# Measures how rates and reads change with size, writes docs/performance/growth.json, and draws docs/performance/*.svg from it.
#
#   benches/growth.sh [--rounds 3] [--seconds 5] [--events 0,1000000] [--data-dir DIR]
#   benches/growth.sh --quick          whether everything runs; writes below target/ instead
#
# Ten million events take about 6 GiB and a quarter of an hour. benches/plot.py draws again without measuring.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=docs/performance/growth.json
for argument in "$@"; do
  if [ "$argument" = --quick ]; then
    out=target/growth-quick/growth.json
  fi
done
cargo bench --locked --bench throughput -- growth --out "$PWD/$out" "$@"
python3 benches/plot.py "$out"
