"""Files in a bucket of somebody else's S3 (moto's server): kept, served in parts, kept once, removed.

Usage: moto_media.py <transom>
"""

import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

PATIENCE = 60  # seconds; each step takes milliseconds
transom = sys.argv[1]
folder = pathlib.Path(tempfile.mkdtemp())

moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
moto.start()
endpoint = "http://{}:{}".format(*moto.get_host_and_port())
secrets = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
os.environ.update(secrets, AWS_DEFAULT_REGION="us-east-1")
s3 = boto3.client("s3", endpoint_url=endpoint)
s3.create_bucket(Bucket="files")


def operator(*args):
    return json.loads(subprocess.check_output([transom, *args, "--json", "--dir", str(folder)], timeout=PATIENCE))


def objects():
    return [o["Key"] for o in s3.list_objects_v2(Bucket="files").get("Contents", []) if not o["Key"].endswith(".probe")]


def call(method, url, body=None, **headers):
    request = urllib.request.Request(url, body, {k.replace("_", "-"): v for k, v in headers.items()}, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.status, dict(answer.headers.items()), answer.read()


business = operator("business", "add", "--name", "Bucket")["id"]
key = operator("key", "add")["text"]
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{free.getsockname()[1]}"
settings = ["media.bucket=files", f"media.endpoint={endpoint}", "media.prefix=transom", "log.level=warn"]
server = subprocess.Popen(
    [transom, "serve", "--dir", str(folder), "--listen", base.removeprefix("http://")] + [a for s in settings for a in ("--set", s)],
    stdout=subprocess.PIPE,
    text=True,
)
try:
    while not server.stdout.readline().startswith("ready "):
        assert server.poll() is None, "the gateway did not start"
    assert json.loads(call("GET", base + "/readyz")[2])["media"] == "keeps files"
    media = f"{base}/v1/businesses/{business}/media"
    # One that goes in a single request, and one that goes in parts.
    for body in (b"%PDF-1.4 small", b"%PDF-1.4 " + bytes(range(256)) * 80_000):
        made = json.loads(call("POST", media, body, x_api_key=key, content_type="application/pdf")[2])
        again = json.loads(call("POST", media, body, x_api_key=key, content_type="application/pdf")[2])
        digest = hashlib.sha256(body).hexdigest()
        assert made["sha256"] == again["sha256"] == digest
        assert objects() == [f"transom/{business}/{digest[:2]}/{digest}"], objects()
        status, headers, got = call("GET", made["url"])
        assert got == body and headers["content-disposition"] == "attachment", headers
        status, headers, got = call("GET", made["url"], range="bytes=5-8")
        assert (status, got) == (206, body[5:9]), headers
        for one in (made, again):
            assert len(objects()) == 1
            call("DELETE", f"{media}/{one['id']}", x_api_key=key)
        until = time.monotonic() + PATIENCE
        while objects():
            assert time.monotonic() < until, "the bytes stay"
            time.sleep(0.05)
        try:
            call("GET", made["url"])
            raise AssertionError("a deleted file is served")
        except urllib.error.HTTPError as gone:
            assert gone.code == 404
    # A bucket that is gone is told, and costs nobody's file.
    s3.delete_objects(Bucket="files", Delete={"Objects": [{"Key": "transom/.probe"}]})
    s3.delete_bucket(Bucket="files")
    try:
        call("POST", media, b"%PDF-1.4 lost", x_api_key=key, content_type="application/pdf")
        raise AssertionError("a file was taken that is nowhere")
    except urllib.error.HTTPError as refused:
        assert refused.code == 503, refused.code
finally:
    server.terminate()
    server.wait(PATIENCE)
    moto.stop()
print("files in a bucket: kept, served, kept once, removed")
