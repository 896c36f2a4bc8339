#!/usr/bin/env python3
"""Follows the stream of a project for ever, one item a line as JSON.

    follow_stream.py [PLACE]    PLACE: a file that keeps the cursor, the same as for read_stream.py; without it, from now on

Needs TIDEGATE_URL, TIDEGATE_PROJECT, and a TIDEGATE_TOKEN with PROJECT_STREAM_READ in the environment, or TIDEGATE_TOKEN_FILE.
It comes back whenever the connection ends. Exit: 2 when it is refused for good.
"""
import datetime
import http.client
import json
import os
import random
import sys
import time
import urllib.parse
import urllib.request

RETRY = {0, 408, 429, 500, 502, 503, 504}  # 0: no answer
LEAST, CAP = 2.0, 30.0  # seconds
SILENCE = 30  # seconds without a byte; the server sends a comment every 10


def token():
    """The token; from a file where one is named, so that a rotation needs no restart."""
    if "TIDEGATE_TOKEN_FILE" not in os.environ:
        return os.environ["TIDEGATE_TOKEN"]
    with open(os.environ["TIDEGATE_TOKEN_FILE"], encoding="ascii") as file:
        return file.read().strip()


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the token."""

    http_response = https_response = lambda self, request, answer: answer


class Ended(Exception):
    """A connection that broke (status 0), or an answer that is no stream."""

    def __init__(self, status, text, wait=""):
        try:
            problem = json.loads(text)
        except ValueError:  # a page of some proxy
            problem = {}
        self.status, self.restart = status, problem.get("restart", "")
        self.wait = float(wait) if wait.isdigit() else LEAST
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')} (request {problem.get('request_id')})")


def connection(last, since):
    """Follows until the connection ends; gives what came as cursor and item, or as a cursor with nothing."""
    url = "{TIDEGATE_URL}/v1/project/{TIDEGATE_PROJECT}/stream/live".format_map(os.environ)
    headers = {"Authorization": "Bearer " + token(), "Accept": "text/event-stream"}
    if last:
        headers["Last-Event-ID"] = last
    else:
        url += "?" + urllib.parse.urlencode({"from": since})
    cursor = data = ""
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.build_opener(AsItIs).open(request, timeout=SILENCE) as answer:
            if answer.status != 200:
                raise Ended(answer.status, answer.read(), answer.headers.get("Retry-After", ""))
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                cursor, data = (value if name == "id" else cursor), (value if name == "data" else data)
                if line == b"\n" and cursor:  # without an item: nothing was wanted up to there
                    yield cursor, data
                    cursor = data = ""
    except (OSError, http.client.HTTPException) as error:
        raise Ended(0, json.dumps({"code": "no answer", "detail": str(error)})) from error


def keep(place, cursor):
    """By a rename, so that there is a whole cursor at every moment."""
    with open(place + ".new", "w", encoding="ascii") as file:
        file.write(cursor)
    os.replace(place + ".new", place)


def main():
    place, last, failures = (sys.argv[1:] or [None])[0], "", 0
    since = datetime.datetime.now(datetime.timezone.utc).isoformat()  # every attempt begins there: nothing is missed between
    if place and os.path.exists(place):
        with open(place, encoding="ascii") as file:
            last = file.read().strip()
    while True:
        wait = LEAST
        try:
            for last, item in connection(last, since):
                if item:
                    print(item, flush=True)
                if place:  # only now, with the line written
                    keep(place, last)
                failures = 0
        except Ended as end:
            print(end, file=sys.stderr)
            if end.status == 410:
                # Older than what is kept, or from before a restore. Without a restart, from the oldest item on.
                last, since = end.restart, "1970-01-01T00:00:00Z"
            elif end.status not in RETRY:
                return 2
            wait, failures = end.wait, failures + 1
        time.sleep(wait + random.uniform(0, min(CAP, 2**failures)))  # full jitter, on top of what the server asks for


if __name__ == "__main__":
    sys.exit(main())
