#!/usr/bin/env bash
# Builds everything, starts a private PostgreSQL and the servers, and prints one table of rates, costs and ratios.
#
#   benches/throughput.sh [--rounds 5] [--seconds 5] [--data-dir DIR]
#   benches/throughput.sh --quick      whether everything runs, not how fast
#
# Node with npm and InfluxDB 1.x (Debian: nodejs, npm, influxdb) are measured where they are installed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v node >/dev/null && command -v npm >/dev/null; then
  npm ci --prefix benches/rivals/node --ignore-scripts --no-audit --no-fund >&2
fi
exec cargo bench --locked --bench throughput -- table "$@"
