"""Answers held against the schemas that Twilio publishes (see openapi/NOTICE.md): types, patterns, words, dates; and every field is there.

`documented` makes a client by the very lines of docs/twilio.md. `Recorder` is an HTTP client for Twilio's SDK: the SDK's own, which lets
through only what goes to the gateway by those lines, and checks each answer.
"""

import json
import pathlib
import re
from urllib.parse import urlsplit

from twilio.http.http_client import TwilioHttpClient

FOLDER = pathlib.Path(__file__).parent / "openapi"
PAGE = pathlib.Path(__file__).parents[4] / "docs/twilio.md"
HOST = "https://gw.example.com"
DATES = {
    "date-time": re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"),
    "date-time-rfc-2822": re.compile(r"^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000$"),
}
KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list}


def documented(account_sid, auth_token, base, http_client=None):
    """A client made by the lines of docs/twilio.md, word for word: nothing but the base addresses is changed.

    Only then it is given an HTTP client, where one is wanted.
    """
    lines = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S).group(1)
    assert HOST in lines, lines
    said = {"account_sid": account_sid, "auth_token": auth_token}
    exec(lines.replace(HOST, base), said)
    if http_client:
        said["client"].http_client = http_client
    return said["client"]


class Schemas:
    """One reduced file."""

    def __init__(self, name):
        kept = json.loads((FOLDER / name).read_text(encoding="utf-8"))
        self.schemas = kept["schemas"]
        self.operations = [(self.pattern(key), entry) for key, entry in kept["operations"].items()]
        # What names fewer things in its path is the better match.
        self.operations.sort(key=lambda one: one[0].pattern.count("[^/]+"))
        self.seen = set()

    @staticmethod
    def pattern(key):
        return re.compile("^" + re.sub(r"\\{[^/]+?\\}", "[^/]+", re.escape(key)) + "$")

    def check(self, method, path, status, body):
        """Whether it is an operation of this file; then its answer is as published."""
        for pattern, entry in self.operations:
            if pattern.match(f"{method} {path}"):
                assert status == entry["status"], (method, path, status, body)
                if entry["schema"] is None:
                    assert body == "", (method, path, body)
                else:
                    self.fits(entry["schema"], json.loads(body), f"{method} {path}")
                self.seen.add(pattern.pattern)
                return True
        return False

    def fits(self, schema, value, at):
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        if value is None:
            # Twilio's files forget to say so of some fields that are null in their own samples.
            assert schema.get("nullable") or schema.get("type") == "object" or "type" not in schema, (at, schema)
            return
        kind = schema.get("type")
        if kind:
            fitting = isinstance(value, KINDS[kind]) and not (kind in ("integer", "number") and isinstance(value, bool))
            assert fitting, (at, kind, value)
        if "enum" in schema:
            assert value in schema["enum"], (at, value)
        if "pattern" in schema:
            assert re.match(schema["pattern"], value), (at, schema["pattern"], value)
        if schema.get("format") in DATES:
            assert DATES[schema["format"]].match(value), (at, schema["format"], value)
        if schema.get("format") == "uri":
            assert urlsplit(value).scheme in ("http", "https"), (at, value)
        for name, inner in schema.get("properties", {}).items():
            assert name in value, f"{at}: {name} is missing"
            self.fits(inner, value[name], f"{at}.{name}")
        for place, item in enumerate(value if kind == "array" else []):
            self.fits(schema.get("items", {}), item, f"{at}[{place}]")


class Recorder(TwilioHttpClient):
    """Notes each call, which must go to the gateway by itself, and checks its answer."""

    def __init__(self, base, *schemas):
        super().__init__()
        self.base, self.schemas, self.calls = base, schemas, []

    def request(self, method, url, *args, **kwargs):
        assert url.startswith(f"{self.base}/"), f"{url} is not at {self.base}"
        path = urlsplit(url).path
        answer = super().request(method, url, *args, **kwargs)
        self.calls.append((method.upper(), url, answer.status_code, answer.text))
        if answer.status_code < 300:
            known = [schema for schema in self.schemas if schema.check(method.upper(), path, answer.status_code, answer.text)]
            assert known or path.startswith("/2010-04-01/"), f"{method} {path} is in none of the files"
        else:
            refusal = json.loads(answer.text)
            # Go reads both as integers, and takes an error with `type` and `title` for another kind.
            assert isinstance(refusal["code"], int) and refusal["status"] == answer.status_code, refusal
            assert refusal["message"] and refusal["more_info"].startswith(self.base), refusal
            assert "type" not in refusal and "title" not in refusal, refusal
        return answer
