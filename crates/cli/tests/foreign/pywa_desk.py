"""The way from pywa to the simulator: its session's transport, which pywa offers, and the simulator's controls.

Usage of the scripts that import it: SCRIPT.py [more] <JSON that `transom simulate --json` has printed>
"""

import json
import sys
import urllib.parse
import urllib.request

import httpx
from pywa import WhatsApp

PATIENCE = 15  # seconds; each step takes milliseconds

with open(sys.argv[-1], encoding="utf-8") as file:
    meta = json.load(file)
simulator = urllib.parse.urlsplit(meta["graphUrl"])


class ToSimulator(httpx.BaseTransport):
    """Only scheme, host and port change."""

    def __init__(self):
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request):
        if request.url.host == "graph.facebook.com":
            request.url = request.url.copy_with(scheme=simulator.scheme, host=simulator.hostname, port=simulator.port)
            request.headers["host"] = simulator.netloc
        return self.inner.handle_request(request)


def desk(method, path, body=None):
    """A call to the simulator's controls."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(meta["graphUrl"] + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def client():
    """pywa as its users make it, but for the transport."""
    return WhatsApp(
        phone_id=meta["phoneNumberId"],
        token=meta["accessToken"],
        session=httpx.Client(transport=ToSimulator(), timeout=PATIENCE),
        server=None,
        verify_token="pywa-verifies",
        waba_id=meta["wabaId"],
        app_id=meta["appId"],
        app_secret=meta["appSecret"],
        api_version="25.0",
    )
