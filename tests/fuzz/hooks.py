"""What schemathesis cannot know from the document: how texts of our formats look, and what would end the run."""

import datetime
import os
import uuid

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation

ascii_letters = "abcdefghijklmnopqrstuvwxyz"
label = st.text(alphabet=ascii_letters, min_size=1, max_size=10)

schemathesis.openapi.format("bcp47", st.sampled_from(["de", "de-AT", "es_ES", "zh-Hant-TW", "x-own"]))
schemathesis.openapi.format("iana-timezone", st.sampled_from(["UTC", "Europe/Vienna", "America/New_York"]))
schemathesis.openapi.format("iso3166-alpha2", st.sampled_from(["AT", "es", "DE", "US"]))
schemathesis.openapi.format("iso4217", st.sampled_from(["EUR", "usd", "JPY"]))
schemathesis.openapi.format(
    "phone", st.just("+34600111221") | st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True)
)
schemathesis.openapi.format("email", st.just("fuzz@example.com") | st.builds("{}@{}.example".format, label, label))
schemathesis.openapi.format("http-url", st.builds("https://{}.example/{}".format, label, label))
schemathesis.openapi.format("int64", st.integers(-(2**63), 2**63 - 1).map(str))
# Not before 2000 and not ahead of the clock: an event's date has to be so, and no other one minds.
days = st.dates(datetime.date(2000, 1, 2), datetime.date.today() - datetime.timedelta(days=1))
schemathesis.openapi.format("date", days.map(str))
schemathesis.openapi.format("date-time", st.builds("{}T{:%H:%M:%S}Z".format, days, st.times()))
schemathesis.openapi.format(
    "decimal", st.decimals(-(10**15), 10**15, places=4, allow_nan=False, allow_infinity=False).map(str)
)

# What there is.
FOUND = {
    "project": os.environ["FUZZ_PROJECT"],
    "datasource": os.environ["FUZZ_DATASOURCE"],
    "contact_id": os.environ["FUZZ_CONTACT"],
    "after": os.environ["FUZZ_CURSOR"],
}
OTHER_DATASOURCE = os.environ["FUZZ_OTHER_DATASOURCE"]

# Where an operation would end the run, there is nothing; and what is pushed to is not changed meanwhile.
TARGETS = {
    "deleteProject": {"project": "proj_" + "0" * 22},
    "deleteDatasource": {"datasource": "ds_" + "0" * 22},
    "changeDatasource": {"datasource": OTHER_DATASOURCE},
    "purgeDatasource": {"datasource": OTHER_DATASOURCE},
    # A cursor of its own kind: that of a timeline is none.
    "readStream": {"after": os.environ["FUZZ_STREAM_CURSOR"]},
    # It never ends, and the tool reads answers whole.
    "followStream": {"project": "proj_" + "0" * 22},
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Lets the paths name what there is; what there is not comes with the data that break the schema."""
    for item in raw_schema["paths"].values():
        for operation in item.values():
            targets = {**FOUND, **TARGETS.get(operation["operationId"], {})}
            for parameter in operation.get("parameters", []):
                target = targets.get(parameter["name"])
                if target is not None:
                    parameter["schema"] = {"type": "string", "enum": [target]}
                    parameter["example"] = target


MOST = 1_000_000_000


def time_of(text):
    """The time that a text says, if it says one with its distance from UTC."""
    try:
        time = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else None


@schemathesis.hook
def before_call(context, case, **kwargs):
    """Keeps valid requests from ending the run: a budget that is lowered would leave nothing but 429."""
    query = case.query or {}
    if case.path.endswith("/audit"):
        # A rule between two parameters, which the document can only say in words.
        begin, end = time_of(query.get("from")), time_of(query.get("to"))
        if begin and end and not datetime.timedelta(0) < end - begin < datetime.timedelta(days=6):
            query["from"] = (end - datetime.timedelta(days=1)).isoformat()
    if case.path.endswith(("/keys", "/audit", "/webhooks", "/deliveries", "/dead-letters")) and query.get("after") == FOUND["after"]:
        # A cursor of another list.
        del query["after"]
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and 1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key):
        # The same one with another body is refused.
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    body = case.body
    if not isinstance(body, dict):
        return
    if str(body.get("datasourceUid")).startswith("ds_"):
        # The document can say how a datasource is called, but not which ones there are.
        body["datasourceUid"] = FOUND["datasource"]
    limits = body.get("limits")
    if isinstance(limits, dict):
        for name, number in limits.items():
            if number is None or (type(number) is int and 1 <= number <= MOST):
                limits[name] = MOST
    # From then on, every contact without it would be refused.
    if body.get("requiredInWebhook") is True:
        body["requiredInWebhook"] = False
    # A rule between a member and the path, which the document can only say in words.
    if body.get("required") is True and case.path_parameters.get("event_type") == "purchase":
        body["required"] = False


@schemathesis.check
def a_bad_item_fails_alone(ctx, response, case):
    """Of a batch that breaks the schema, at least one item is refused, where not the batch as a whole; flags have their words."""
    if response.status_code != 202 or case.meta is None:
        return
    for flag in ("_dryRun", "_sync"):
        assert (case.query or {}).get(flag) in (None, "", "true", "1", "false", "0"), f"{flag} was taken"
    body = case.meta.components.get(ParameterLocation.BODY)
    if body is not None and body.mode == GenerationMode.NEGATIVE:
        assert response.json()["entitiesFailures"] > 0, "a batch that breaks the schema was taken whole"
