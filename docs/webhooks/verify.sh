#!/usr/bin/env bash
# Verifies a message of a webhook (Standard Webhooks) with openssl: for a look by hand. In a program, compare in constant time.
#
#     WEBHOOK_SECRET=whsec_… WEBHOOK_ID=… WEBHOOK_TIMESTAMP=… WEBHOOK_SIGNATURE=… verify.sh < body
set -euo pipefail

age=$(( $(date +%s) - WEBHOOK_TIMESTAMP ))
key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
wanted="v1,$({ printf '%s.%s.' "$WEBHOOK_ID" "$WEBHOOK_TIMESTAMP"; cat; } |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)"
# While a secret is rotated there are two.
for one in $WEBHOOK_SIGNATURE; do
  if [ "$one" = "$wanted" ] && [ "${age#-}" -le 300 ]; then
    echo good
    exit 0
  fi
done
echo bad
exit 1
