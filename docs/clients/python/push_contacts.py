#!/usr/bin/env python3
"""Pushes contacts and prints what became of each.

    push_contacts.py [FILE]    FILE: a JSON array of 1 to 100 contacts; without it, the two below

Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE and TIDEGATE_TOKEN in the environment.
Exit: 0 all are stored, 1 a contact was refused, 2 the whole request was refused or not answered.
"""
import http.client
import json
import os
import sys
import urllib.request

# A push merges: attributes that are left out stay as they are, null clears one. Custom attributes have no `_`.
CONTACTS = [
    {"_user_id": "ada", "_email": "ada@example.com", "_first_name": "Ada"},
    {"_user_id": "grace", "_email": "grace@example.com", "favourite_colour": "green"},
]


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the token."""

    http_response = https_response = lambda self, request, answer: answer


def push(contacts):
    """Sends one batch; answers the status and the document that came back."""
    url = "{TIDEGATE_URL}/v1/project/{TIDEGATE_PROJECT}/datasource/{TIDEGATE_DATASOURCE}/stream/contacts"
    headers = {"Authorization": "Bearer " + os.environ["TIDEGATE_TOKEN"], "Content-Type": "application/json"}
    request = urllib.request.Request(url.format_map(os.environ), json.dumps(contacts).encode(), headers)
    with urllib.request.build_opener(AsItIs).open(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def main():
    contacts = CONTACTS
    if len(sys.argv) > 1:
        with open(sys.argv[1], encoding="utf-8") as file:
            contacts = json.load(file)
    try:
        status, answer = push(contacts)
    except (OSError, http.client.HTTPException, ValueError) as error:
        print(f"no answer of Tidegate: {error}", file=sys.stderr)
        return 2
    if status not in (202, 422):
        # A problem of the whole request: nothing was stored. `code` is for programs, `detail` for people.
        code, detail, request_id = (answer.get(name) for name in ("code", "detail", "request_id"))
        print(f"{status} {code}: {detail} (request {request_id})", file=sys.stderr)
        return 2
    # Judged item by item: 202 when some are good, 422 when none is.
    reasons = {error["position"]: error["error"] for error in answer["errors"]}
    for position, item in enumerate(answer["entity"]["items"]):
        name = item["_user_id"] or f"(item {position})"
        print(item["outcome"], name, reasons.get(position, ""), sep="\t")
    return 0 if answer["success"] else 1


if __name__ == "__main__":
    sys.exit(main())
