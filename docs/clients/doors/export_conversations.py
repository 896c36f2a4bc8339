#!/usr/bin/env python3
"""Prints every conversation that was closed on a day, with its whole transcript, as JSON, one a line.

    export_conversations.py [DAY]    DAY: such as 2026-11-20, in UTC; yesterday without

Needs TIDEGATE_URL and TIDEGATE_KEY, a personal key that may read, in the environment; TIDEGATE_PROJECT where the key's user sees
several. Exit: 0 all are there, 2 a request was refused or given up: throw away what was printed and run it again.
"""
import datetime
import http.client
import json
import os
import sys
import time
import urllib.parse
import urllib.request

AGAIN = {0, 408, 429, 500, 502, 503, 504}  # 0: no answer
ATTEMPTS = 10


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the key."""

    http_response = https_response = lambda self, request, answer: answer


def get(path, **query):
    """The data of an answer. Waits as long as the server asks; raises RuntimeError with its reason when it gives up."""
    if "TIDEGATE_PROJECT" in os.environ:
        query["project"] = os.environ["TIDEGATE_PROJECT"]
    url = f"{os.environ['TIDEGATE_URL']}/api/v1/conversation{path}?{urllib.parse.urlencode(query)}"
    # In the header: an address is written to logs.
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["TIDEGATE_KEY"]})
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.build_opener(AsItIs).open(request, timeout=60) as answer:
                status, wait, document = answer.status, answer.headers.get("Retry-After", ""), json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            status, wait, document = 0, "", {"message": error}
        if status == 200:
            return document["data"]
        if status not in AGAIN or attempt == ATTEMPTS:
            break
        time.sleep(int(wait) if wait.isdigit() else min(2**attempt / 4, 30))
    raise RuntimeError(f"{status} {document.get('message') or document.get('detail')}")


def pages(path, **query):
    """Every entry of a list. Its order never changes: what comes meanwhile comes behind."""
    page = 1
    while page:
        data = get(path, page=page, size=100, **query)
        yield from data["items"]
        page = data["next_page"]


def main():
    yesterday = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=1)
    day = sys.argv[1] if len(sys.argv) > 1 else str(yesterday)
    count = 0
    try:
        for conversation in pages("", date_from=day, date_to=day):
            transcript = pages(f"/{urllib.parse.quote(conversation['id'], safe='')}/transcript")
            conversation["messages"] = list(transcript)
            print(json.dumps(conversation, ensure_ascii=False), flush=True)
            count += 1
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{count} conversations closed on {day}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
