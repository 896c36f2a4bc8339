#!/usr/bin/env python3
"""Reads one contact and prints it as JSON, or `null` where there is none.

    read_contact.py USER_ID

Needs TIDEGATE_URL, TIDEGATE_PROJECT, TIDEGATE_DATASOURCE and TIDEGATE_TOKEN in the environment.
Exit: 0 also where there is none, 2 the request was refused or not answered.
"""
import http.client
import json
import os
import sys
import urllib.parse
import urllib.request


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the token."""

    http_response = https_response = lambda self, request, answer: answer


def read(user_id):
    """The contact, or None. Raises RuntimeError with the server's reason when it was not told."""
    base = "{TIDEGATE_URL}/v1/project/{TIDEGATE_PROJECT}/datasource/{TIDEGATE_DATASOURCE}"
    # Everything but letters, digits and `_.-~` is encoded, `/` included: an id is one segment of the path.
    url = base.format_map(os.environ) + "/stream/contacts/" + urllib.parse.quote(user_id, safe="")
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["TIDEGATE_TOKEN"]})
    try:
        with urllib.request.build_opener(AsItIs).open(request, timeout=30) as answer:
            status, document = answer.status, json.load(answer)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RuntimeError(f"no answer of Tidegate: {error}") from error
    if status == 200:
        return document["contact"]
    code, detail, request_id = (document.get(name) for name in ("code", "detail", "request_id"))
    # Another 404, `not_found`, means that the project or the datasource is not there for this token.
    if code == "contact_not_found":
        return None
    raise RuntimeError(f"{status} {code}: {detail} (request {request_id})")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print(json.dumps(read(sys.argv[1]), ensure_ascii=False, indent=2))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
