#!/usr/bin/env python3
"""Verifies a message of a webhook (Standard Webhooks) with the standard library alone.

    WEBHOOK_SECRET=whsec_… WEBHOOK_ID=… WEBHOOK_TIMESTAMP=… WEBHOOK_SIGNATURE=… verify.py < body
"""
import base64
import hashlib
import hmac
import os
import sys
import time

TOLERANCE = 300  # seconds, against messages that somebody recorded


def verify(secret: str, message_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Whether one of the signatures is right and the message is fresh. `body` is what came, byte for byte."""
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # While a secret is rotated there are two.
    return any(hmac.compare_digest(wanted, one) for one in signatures.split(" "))


if __name__ == "__main__":
    names = ("SECRET", "ID", "TIMESTAMP", "SIGNATURE")
    given = [os.environ["WEBHOOK_" + name] for name in names]
    good = verify(*given, sys.stdin.buffer.read())
    print("good" if good else "bad")
    sys.exit(0 if good else 1)
