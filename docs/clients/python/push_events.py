#!/usr/bin/env python3
"""Pushes events in batches of 100, tries again until they are stored, and never stores one twice.

    push_events.py [FILE]    FILE: one JSON event a line, may be /dev/stdin; without it, the orders below

Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE, and TIDEGATE_TOKEN or TIDEGATE_TOKEN_FILE.
TIDEGATE_RETRY_FOR: seconds in which a batch must get through, default 300.
Exit: 0 all are stored, 1 an event was refused, 2 a request was refused or given up. Running it again is safe.
"""
import email.utils
import http.client
import itertools
import json
import os
import random
import sys
import time
import urllib.request

RETRY = {0, 408, 429, 500, 502, 503, 504}  # 0: no answer
ATTEMPTS, BASE, CAP = 12, 0.25, 30.0
RETRY_FOR = float(os.environ.get("TIDEGATE_RETRY_FOR", 300))
ORDERS = [("1001", "ada", "12.50", "2025-11-20T10:15:00Z"), ("1002", "grace", "99.00", "2025-11-20T10:16:30Z")]


def event(order, customer, amount, at):
    """The id follows from what happened, so it is the same in every attempt and every run."""
    return {"_event_id": f"purchase-{order}", "_event_type": "purchase", "_user_id": customer, "_event_date": at,
            "_event_parameters": {"order_id": order, "amount": amount, "currency": "EUR"}}


def token():
    """The token; from a file where one is named, so that a rotation needs no restart."""
    if "TIDEGATE_TOKEN_FILE" not in os.environ:
        return os.environ["TIDEGATE_TOKEN"]
    with open(os.environ["TIDEGATE_TOKEN_FILE"], encoding="ascii") as file:
        return file.read().strip()


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the token."""

    http_response = https_response = lambda self, request, answer: answer


def post(body, key):
    """Sends a body once; answers the status (0: no answer), the document and Retry-After."""
    url = "{TIDEGATE_URL}/v1/project/{TIDEGATE_PROJECT}/datasource/{TIDEGATE_DATASOURCE}/stream/events"
    headers = {"Authorization": "Bearer " + key, "Content-Type": "application/json"}
    request = urllib.request.Request(url.format_map(os.environ), body, headers)
    try:
        with urllib.request.build_opener(AsItIs).open(request, timeout=30) as answer:
            status, wait, text = answer.status, answer.headers.get("Retry-After", ""), answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, {"code": "no answer", "detail": error}, ""
    try:
        return status, json.loads(text), wait
    except ValueError:  # a page of some proxy
        return status, {}, wait


def seconds(wait):
    """Retry-After as seconds from now; it may be a number or a date."""
    try:
        return float(wait) if wait.isdigit() else email.utils.parsedate_to_datetime(wait).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0


def push(events, key):
    """Sends a batch until it is judged; answers the judgement and the key in force."""
    body, deadline = json.dumps(events).encode(), time.monotonic() + RETRY_FOR  # every attempt sends this body
    for attempt in range(1, ATTEMPTS + 1):
        status, answer, wait = post(body, key)
        if status in (202, 422):
            return answer, key
        reason = f"{status} {answer.get('code')}: {answer.get('detail')} (request {answer.get('request_id')})"
        if status == 401 and (fresh := token()) != key:  # it was rotated
            key = fresh
            continue
        # Full jitter, on top of what the server asks for.
        pause = max(0, seconds(wait)) + random.uniform(0, min(CAP, BASE * 2**attempt))
        if status not in RETRY or attempt == ATTEMPTS or time.monotonic() + pause > deadline:
            break
        print(f"{reason}; again in {pause:.1f} s", file=sys.stderr)
        time.sleep(pause)
    raise RuntimeError(reason)


def main():
    events = (event(*order) for order in ORDERS)
    if len(sys.argv) > 1:
        events = (json.loads(line) for line in open(sys.argv[1], encoding="utf-8"))
    key, good = token(), True
    while batch := list(itertools.islice(events, 100)):
        try:
            answer, key = push(batch, key)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
        reasons = {error["position"]: error["error"] for error in answer["errors"]}
        for position, item in enumerate(answer["entity"]["items"]):
            name = item["_event_id"] or f"(item {position} of its batch)"
            print(item["outcome"], name, reasons.get(position, ""), sep="\t", flush=True)
        good = good and answer["success"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
