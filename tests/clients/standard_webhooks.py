"""Verifies a message with the standard's own library, which shares no line with ours: headers and secret from the environment, the
body from standard input."""
import os
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

headers = {name: os.environ["WEBHOOK_" + name.split("-")[1].upper()] for name in
           ("webhook-id", "webhook-timestamp", "webhook-signature")}
try:
    Webhook(os.environ["WEBHOOK_SECRET"]).verify(sys.stdin.buffer.read(), headers)
    print("good")
except WebhookVerificationError:
    print("bad")
    sys.exit(1)
