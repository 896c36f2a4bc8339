"""A receiver that verifies with the standard's own library, fails three times of ten, and writes down what it took.

Arguments: the port (0 for any; the one it has is printed), and a file for a line per message: `taken`, `failed` or `bad`, and the event's
id. The secret is in WEBHOOK_SECRET."""
import http.server
import json
import os
import random
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["WEBHOOK_SECRET"])
chance = random.Random(7)


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            webhook.verify(body, dict(self.headers))
            said, status = ("failed", 503) if chance.random() < 0.3 else ("taken", 204)
        except WebhookVerificationError:
            said, status = "bad", 400
        with open(sys.argv[2], "a", encoding="utf-8") as file:
            file.write(f"{said} {json.loads(body)['data']['_event_id']}\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
