#!/usr/bin/env python3
"""Reads the stream of a project, one item a line as JSON, until it is caught up.

    read_stream.py [PLACE]    PLACE: a file that keeps the cursor from run to run; without it, from the oldest item on

Needs TIDEGATE_URL, TIDEGATE_PROJECT, and a TIDEGATE_TOKEN with PROJECT_STREAM_READ in the environment.
TIDEGATE_RETRY_FOR: seconds in which a page must come, default 300.
Exit: 0 caught up, 2 a request was refused or given up. Running it again goes on; only the last page may come twice.
"""
import email.utils
import http.client
import json
import os
import random
import sys
import time
import urllib.parse
import urllib.request

RETRY = {0, 408, 429, 500, 502, 503, 504}  # 0: no answer
ATTEMPTS, BASE, CAP = 12, 0.25, 30.0
RETRY_FOR = float(os.environ.get("TIDEGATE_RETRY_FOR", 300))


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the token."""

    http_response = https_response = lambda self, request, answer: answer


def ask(after):
    """Asks once for what is behind a cursor; answers the status (0: no answer), the headers and the body."""
    query = urllib.parse.urlencode({"limit": 1000, **({"after": after} if after else {})})
    url = "{TIDEGATE_URL}/v1/project/{TIDEGATE_PROJECT}/stream?".format_map(os.environ) + query
    headers = {"Authorization": "Bearer " + os.environ["TIDEGATE_TOKEN"], "Accept": "application/x-ndjson"}
    try:
        with urllib.request.build_opener(AsItIs).open(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, {}, json.dumps({"code": "no answer", "detail": str(error)}).encode()


def seconds(wait):
    """Retry-After as seconds from now; it may be a number or a date."""
    try:
        return float(wait) if wait.isdigit() else email.utils.parsedate_to_datetime(wait).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0


def page(after):
    """A page, tried until it comes: its lines, where to go on, and whether there is no more."""
    deadline = time.monotonic() + RETRY_FOR
    for attempt in range(1, ATTEMPTS + 1):
        status, headers, body = ask(after)
        if status == 200:
            return body, headers["X-Next-Cursor"], headers["X-Caught-Up"] == "true"
        try:
            problem = json.loads(body)
        except ValueError:  # a page of some proxy
            problem = {}
        reason = f"{status} {problem.get('code')}: {problem.get('detail')} (request {problem.get('request_id')})"
        if status == 410:
            # The cursor is older than what is kept, or from before a restore. Without a restart, from the oldest item on.
            print(reason, file=sys.stderr)
            return b"", problem.get("restart", ""), False
        # Full jitter, on top of what the server asks for.
        pause = max(0, seconds(headers.get("Retry-After", ""))) + random.uniform(0, min(CAP, BASE * 2**attempt))
        if status not in RETRY or attempt == ATTEMPTS or time.monotonic() + pause > deadline:
            break
        print(f"{reason}; again in {pause:.1f} s", file=sys.stderr)
        time.sleep(pause)
    raise RuntimeError(reason)


def keep(place, after):
    """By a rename, so that there is a whole cursor at every moment."""
    with open(place + ".new", "w", encoding="ascii") as file:
        file.write(after)
    os.replace(place + ".new", place)


def main():
    place, after, caught_up = (sys.argv[1:] or [None])[0], "", False
    if place and os.path.exists(place):
        with open(place, encoding="ascii") as file:
            after = file.read().strip()
    while not caught_up:
        try:
            lines, after, caught_up = page(after)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
        if place:  # only now, with the lines written
            keep(place, after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
