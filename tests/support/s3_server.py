"""An S3-compatible server for tests: moto keeps the objects, and AWS's own SDK judges every signature.

Runs as a program (python -m tests.support.s3_server), so that its work is not done under the tests' lock.
moto's own check of signatures knows neither signed URLs nor listings below a prefix; here botocore signs
what arrived once more, with the right key, and what differs is refused with S3's own answer. /-/ is the
tests' side door, and needs no signature.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, unquote_to_bytes, urlsplit

ACCESS_KEY = "AKIDTESTTESTTESTTEST"
SECRET_KEY = "s3cr3t/Key+with=every%kind:of@character"
BUCKET = "photos"


class S3Server:
    """A running server and the side door to it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.s3_server"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url.startswith("http"), "the S3 server did not start"

    def put(self, objects: dict[str, bytes]) -> None:
        """Store objects, all at once."""
        self._door("put", {key: base64.b64encode(content).decode() for key, content in objects.items()})

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        self._door("delete", list(keys))

    def requests(self) -> dict[str, int]:
        """Return how many requests there were since the last time, by kind: list, get, put, refused, connections."""
        return dict(self._door("requests", None))

    def fail(self, status: int, times: int) -> None:
        """Answer the next ``times`` requests with ``status``."""
        self._door("fail", [status, times])

    def close(self) -> None:
        """Stop."""
        self._process.terminate()
        self._process.wait(10)

    def _door(self, what: str, content: Any) -> Any:
        request = urllib.request.Request(f"{self.url}/-/{what}", json.dumps(content).encode(), method="POST")
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


def signature_fault(method: str, url: str, headers: dict[str, str]) -> str | None:
    """Return the code of what is wrong with a request's signature, or None."""
    from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    given = headers.get("authorization", "")
    credential = query.get("X-Amz-Credential") or given.partition("Credential=")[2].partition(",")[0]
    if not credential:
        return "AccessDenied"
    key, _, scope = credential.partition("/")
    if key != ACCESS_KEY:
        return "InvalidAccessKeyId"
    region, service = scope.split("/")[1:3]
    token = query.get("X-Amz-Security-Token") or headers.get("x-amz-security-token")
    known = Credentials(ACCESS_KEY, SECRET_KEY, token)
    plain = {name: value for name, value in query.items() if not name.startswith("X-Amz-")}
    # S3 reads the key and writes it its own way, however the client wrote it.
    bare = f"{parts.scheme}://{parts.netloc}{quote(unquote(parts.path), safe='/~')}"
    if plain:
        bare += "?" + "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in plain.items())
    request = AWSRequest(method, bare)
    if "X-Amz-Signature" in query:
        judge = S3SigV4QueryAuth(known, service, region, expires=int(query["X-Amz-Expires"]))
        signed_at, theirs = query["X-Amz-Date"], query["X-Amz-Signature"]
        began = time.mktime(time.strptime(signed_at, "%Y%m%dT%H%M%SZ")) - time.timezone
        if time.time() > began + int(query["X-Amz-Expires"]):
            return "AccessDenied"
        request.headers["host"] = headers["host"]
        request.context["timestamp"] = signed_at
        judge._modify_request_before_signing(request)
    else:
        judge = S3SigV4Auth(known, service, region)
        signed_at, theirs = headers["x-amz-date"], given.partition("Signature=")[2]
        for name in given.partition("SignedHeaders=")[2].partition(",")[0].split(";"):
            request.headers[name] = headers[name]
        request.context["timestamp"] = signed_at
    canonical = judge.canonical_request(request)
    ours = judge.signature(judge.string_to_sign(request, canonical), request)
    return None if ours == theirs else "SignatureDoesNotMatch"


def main() -> None:
    """Serve until the process is ended."""
    from moto.s3.models import s3_backends
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.test import run_wsgi_app
    from werkzeug.wrappers import Request, Response

    moto = DomainDispatcherApplication(create_backend_app)
    store = s3_backends["123456789012"]["aws"]
    store.create_bucket(BUCKET, "us-east-1")
    counts: dict[str, int] = {}
    failing = [500, 0]

    def door(what: str, content: Any) -> Any:
        if what == "put":
            for key, value in content.items():
                store.put_object(BUCKET, key, base64.b64decode(value))
        elif what == "delete":
            for key in content:
                store.delete_object(BUCKET, key)
        elif what == "fail":
            failing[:] = content
        else:
            said = dict(counts)
            counts.clear()
            return said
        return None

    def application(environ: dict[str, Any], start: Any) -> Any:
        request = Request(environ)
        if request.path.startswith("/-/"):
            return Response(json.dumps(door(request.path[3:], request.get_json(force=True))))(environ, start)
        kind = "list" if "list-type" in request.args else request.method.lower()
        counts[kind] = counts.get(kind, 0) + 1
        if failing[1] > 0:
            failing[1] -= 1
            return _error(Response, failing[0], "SlowDown" if failing[0] == 503 else "InternalError")(environ, start)
        raw = environ["RAW_URI"]
        headers = {name.lower(): value for name, value in request.headers.items()}
        fault = signature_fault(request.method, f"http://{request.host}{raw}", headers)
        if fault:
            counts["refused"] = counts.get("refused", 0) + 1
            return _error(Response, 403, fault)(environ, start)
        return moto(environ, start)

    class Handler(BaseHTTPRequestHandler):
        # werkzeug's own server closes every connection; stores keep them.
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            counts["connections"] = counts.get("connections", 0) + 1

        def answer(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            environ: dict[str, Any] = {
                f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()
            }
            environ |= {
                "REQUEST_METHOD": self.command,
                "SCRIPT_NAME": "",
                "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
                "QUERY_STRING": query,
                "RAW_URI": self.path,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": str(server.server_port),
                "SERVER_PROTOCOL": "HTTP/1.1",
                "wsgi.version": (1, 0),
                "wsgi.url_scheme": "http",
                "wsgi.input": io.BytesIO(body),
                "wsgi.errors": sys.stderr,
                "wsgi.multithread": True,
                "wsgi.multiprocess": False,
                "wsgi.run_once": False,
            }
            parts, status, headers = run_wsgi_app(application, environ, buffered=True)
            content = b"".join(parts)
            self.send_response(int(status.split()[0]))
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = answer

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _error(response: Any, status: int, code: str) -> Any:
    messages = {
        "SignatureDoesNotMatch": "The request signature we calculated does not match the signature you provided.",
        "InvalidAccessKeyId": "The AWS Access Key Id you provided does not exist in our records.",
        "AccessDenied": "Access Denied",
        "SlowDown": "Please reduce your request rate.",
        "InternalError": "We encountered an internal error. Please try again.",
    }
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{messages[code]}</Message></Error>"
    return response(body, status, mimetype="application/xml")


if __name__ == "__main__":
    main()
