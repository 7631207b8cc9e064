"""A stand-in for Alibaba Cloud's OSS: a bucket in memory, and Alibaba's own SDK as the judge of every signature.

oss2 signs what arrived once more, with the right key; what differs is refused with OSS's own answer.
A stand-in, because OSS's native signature is spoken by no server that could be installed.
"""

from __future__ import annotations

from email.utils import formatdate
from hashlib import md5
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.support.http_server import Reply, Request

ACCESS_KEY = "LTAItesttesttesttest"
SECRET_KEY = "0ssS3cretKeyForTheTestsOnly000"
BUCKET = "photos"


class OssStandIn:
    """The handler for a ScriptedServer: path-style requests for one bucket."""

    def __init__(self, objects: dict[str, bytes], page: int = 100) -> None:
        self.objects = objects
        self.page = page
        self.judged: list[str | None] = []

    def __call__(self, request: Request) -> Reply:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        _, bucket, key = (unquote(parts.path) + "/").split("/", 2)
        key = key.removesuffix("/")
        fault = signature_fault(request, bucket, key, query)
        self.judged.append(fault)
        if fault:
            return self.error(403, fault)
        if bucket != BUCKET:
            return self.error(404, "NoSuchBucket")
        if "list-type" in query:
            return self.listing(query)
        if key not in self.objects:
            return self.error(404, "NoSuchKey")
        return Reply(body=self.objects[key])

    def listing(self, query: dict[str, str]) -> Reply:
        after = query.get("continuation-token") or query.get("start-after", "")
        keys = sorted(key for key in self.objects if key.startswith(query.get("prefix", "")) and key > after)
        page = keys[: self.page]
        more = len(keys) > len(page)
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            f'<ETag>"{md5(self.objects[key]).hexdigest().upper()}"</ETag><Type>Normal</Type>'
            f"<Size>{len(self.objects[key])}</Size><StorageClass>Standard</StorageClass></Contents>"
            for key in page
        )
        following = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return Reply(
            body=f"<?xml version='1.0'?><ListBucketResult><Name>{BUCKET}</Name><MaxKeys>{self.page}</MaxKeys>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>",
            headers={"Content-Type": "application/xml"},
        )

    @staticmethod
    def error(status: int, code: str) -> Reply:
        return Reply(
            status,
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Said by the stand-in.</Message></Error>",
            {"Content-Type": "application/xml", "Date": formatdate(usegmt=True)},
        )


def signature_fault(request: Request, bucket: str, key: str, query: dict[str, str]) -> str | None:
    """Return the code of what is wrong with a request's signature, or None: as oss2 would have signed it."""
    import oss2
    from oss2.http import Request as Unsigned

    judge = oss2.Auth(ACCESS_KEY, SECRET_KEY)
    own = ("OSSAccessKeyId", "Signature", "Expires")
    unsigned: Any = Unsigned(request.method, "http://oss/", params={n: v for n, v in query.items() if n not in own})
    unsigned.headers.clear()
    headers = {name.lower(): value for name, value in request.headers.items()}
    for name in headers:
        if name.startswith("x-oss-") or name in ("content-md5", "content-type"):
            unsigned.headers[name] = headers[name]
    if "Signature" in query:
        used, theirs = query["OSSAccessKeyId"], query["Signature"]
        unsigned.headers["date"] = query["Expires"]
    else:
        used, _, theirs = headers.get("authorization", "").removeprefix("OSS ").partition(":")
        unsigned.headers["date"] = headers.get("date", "")
    if not used:
        return "AccessDenied"
    if used != ACCESS_KEY:
        return "InvalidAccessKeyId"
    ours = judge._ProviderAuth__make_signature(unsigned, bucket, key, judge.credentials_provider.get_credentials())
    return None if ours == theirs else "SignatureDoesNotMatch"
