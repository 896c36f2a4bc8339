#!/usr/bin/env python3
"""Tells a chat of each new contact as it comes, with an event-stream key alone.

Needs TIDEGATE_URL, TIDEGATE_KEY and CHAT_URL, a webhook that takes {"text": "…"}, in the environment.
"""
import datetime, http.client, json, os, sys, time, urllib.request

class AsItIs(urllib.request.HTTPErrorProcessor):  # no redirect gets the key
    http_response = https_response = lambda self, request, answer: answer

def call(url, body=None, **headers):
    request = urllib.request.Request(url, body, headers)
    answer = urllib.request.build_opener(AsItIs).open(request, timeout=30)  # something comes every 10 s
    if answer.status >= 300:
        if answer.status in (400, 401, 403, 404, 410) and body is None:
            sys.exit(f"{answer.status} {answer.read().decode()}")  # the same fails again
        raise OSError(f"{url.split('?')[0]}: {answer.status}")
    return answer

def tell(item):
    new = {name: change["to"] for name, change in item["changed"].items()}
    who = " ".join(str(new[name]) for name in ("_first_name", "_last_name", "_email") if new.get(name))
    text = json.dumps({"text": f"New lead: {who or item['_user_id']}"}).encode()
    call(os.environ["CHAT_URL"], text, **{"Content-Type": "application/json"}).close()

place = "from=" + datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
while True:
    try:
        url = f"{os.environ['TIDEGATE_URL']}/v1/events/live?type=contact.created&{place}"
        with call(url, Authorization="Bearer " + os.environ["TIDEGATE_KEY"]) as stream:
            print("following", file=sys.stderr, flush=True)
            for line in filter(lambda line: line.startswith(b"data: "), stream):
                item = json.loads(line[6:])
                tell(item)  # when this fails, the same item comes again
                place = "after=" + item["cursor"]
    except (OSError, http.client.HTTPException) as error:
        print(f"again in 2 s: {error}", file=sys.stderr, flush=True)
    time.sleep(2)
