#!/usr/bin/env python3
"""Replaces the datasource token in a file by a new one, without a moment in which pushes fail.

    TIDEGATE_TOKEN_FILE=/etc/shop/tidegate-token rotate_token.py [NAME]    NAME: of the new key

Needs TIDEGATE_URL, TIDEGATE_PROJECT and TIDEGATE_DATASOURCE, and `tidegate` on the PATH with what it takes to reach
the database (TIDEGATE_DATA_DIR or TIDEGATE_DATABASE_URL).
Exit: 0 it is rotated. A failure before the switch leaves everything as it was; after it, only revoking is left.
"""
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands out every answer as it came: 4xx and 5xx are no exceptions, and no redirect gets the token."""

    http_response = https_response = lambda self, request, answer: answer


def probe(token):
    """Whose token is this? The cheapest request there is."""
    url = "{TIDEGATE_URL}/v1/project/{TIDEGATE_PROJECT}/datasource/{TIDEGATE_DATASOURCE}/stream"
    request = urllib.request.Request(url.format_map(os.environ), headers={"Authorization": "Bearer " + token})
    with urllib.request.build_opener(AsItIs).open(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def known(token, patience=0):
    """The probe's answer to a valid token. A new one may take a second to be known to every server."""
    for left in range(patience, -1, -1):
        if patience:
            time.sleep(1)
        status, answer = probe(token)
        if status == 200:
            return answer
        if status != 401 or not left:
            sys.exit(f"{status} {answer.get('code')}: {answer.get('detail')} (request {answer.get('request_id')})")


def tidegate(*arguments):
    """Runs a command and answers what it prints; its own complaint is shown when it fails."""
    return subprocess.run(["tidegate", *arguments], check=True, stdout=subprocess.PIPE).stdout


def switch(path, token):
    """Puts a token into the file in one step: whoever reads sees the old one or the new one."""
    owner = os.stat(path)
    number, beside = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)))  # mode 0600
    with open(number, "w", encoding="ascii") as file:
        os.fchown(number, owner.st_uid, owner.st_gid)
        file.write(token + "\n")
        file.flush()
        os.fsync(number)
    os.replace(beside, path)


def main():
    path = os.path.realpath(os.environ["TIDEGATE_TOKEN_FILE"])  # a link stays a link
    name = sys.argv[1] if len(sys.argv) > 1 else f"rotated {datetime.date.today()}"
    with open(path, encoding="ascii") as file:
        old = known(file.read().strip())
    datasource, prefix = old["datasource"]["uid"], old["token"]["prefix"]
    keys = json.loads(tidegate("key", "list", "--json"))
    ids = [key["id"] for key in keys
           if (key["datasource"], key["prefix"], key["revokedAt"]) == (datasource, prefix, None)]
    if len(ids) != 1:
        sys.exit(f"{len(ids)} live keys of {datasource} begin with {prefix}: rotate by hand")

    # 1. Make the successor. From here on both work.
    create = ("key", "create", "--kind", "datasource", "--datasource", datasource, "--name", name, "--json")
    made = json.loads(tidegate(*create))
    try:
        # 2. Check it against the server, not against what the command says.
        token = known(made["key"], patience=10)["token"]
        print(f"new: {token['kind']} key {token['name']!r}, {token['prefix']}…", flush=True)
        # 3. Switch the clients over: they read the file again at their next 401.
        switch(path, made["key"])
    except BaseException:
        tidegate("key", "revoke", made["id"])
        raise
    # 4. Revoke the old one, by its id. Clients that do not read the file again have to be restarted before this.
    tidegate("key", "revoke", ids[0])
    print(f"old: revoked {ids[0]}, {prefix}…")


if __name__ == "__main__":
    main()
