"""What a provider's HTTPS interface wants of a request, checked with nothing of the program: HTTP/1.1 with Host and
Content-Length, Amazon's signature or the password or token, the envelope, and the message."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP

KEY_ID, SECRET_KEY, SESSION_TOKEN = "AKIACANARY0000000001", "canarySecret/Key+0123456789abcdefghij", "canary//Session+Token=="
API_KEY = "key-canary0123456789abcdef"
REGION = "eu-west-1"


@dataclass
class Request:
    method: str
    target: str
    head: dict[str, str]
    body: bytes
    connection: int
    sender: str = ""                    # where the interface has a word for it
    recipients: list[str] = field(default_factory=list)
    content: bytes = b""


def answer(status: int, body: bytes, *more: str) -> bytes:
    head = [f"HTTP/1.1 {status} Words", "Content-Type: application/json", f"Content-Length: {len(body)}", *more]
    return "".join(f"{line}\r\n" for line in head).encode() + b"\r\n" + body


def signature(request: Request, day: str, names: list[str]) -> str:
    """Amazon's, version 4, over these fields."""
    canonical = "\n".join([request.method, request.target, "", *(f"{n}:{request.head[n]}" for n in names), "",
                           ";".join(names), request.head["x-amz-content-sha256"]])
    scope = f"{day}/{REGION}/ses/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", request.head["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + SECRET_KEY).encode()
    for part in (day, REGION, "ses", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class ProviderRules:
    """One provider's, at one host and port. What is not right in a request is in `violations`."""

    def __init__(self, kind: str, host: str, port: int, *, session_token: str = "", tokens: tuple[str, ...] = ()) -> None:
        self.kind, self.host, self.port = kind, host, port
        self.session_token, self.tokens = session_token, set(tokens)
        self.violations: list[str] = []
        self.accepted = 0
        self.unauthorized = 0
        self.refuse_next = 0                   # so many requests are refused for their credentials

    def parse(self, head: str, number: int) -> Request:
        """A head without its last line; `number` is the connection's."""
        first, *lines = head.split("\r\n")
        method, target, version = first.split(" ")
        fields: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() in fields:
                self.violations.append(f"{name} twice")
            fields[name.lower()] = value.strip()
        host = self.host if self.port == 443 else f"{self.host}:{self.port}"
        if version != "HTTP/1.1" or fields.get("host") != host:
            self.violations.append(f"{first} to {fields.get('host')}")
        if "transfer-encoding" in fields or "expect" in fields:
            self.violations.append(head)
        return Request(method, target, fields, b"", number)

    def judge(self, request: Request) -> tuple[int, bytes]:
        """Status and body of the answer; fills in what the request says of its message."""
        refused = self.refuse_next > 0
        self.refuse_next -= refused
        if refused or not getattr(self, f"_{self.kind}_knows")(request):
            self.unauthorized += 1
            return 403 if self.kind == "ses" else 401, b'{"message": "no"}'
        if request.method == "GET":
            return 200, json.dumps({"SendingEnabled": True, "ProductionAccessEnabled": True, "mail": "a@b.example",
                                    "SendQuota": {"SentLast24Hours": 1, "Max24HourSend": 50, "MaxSendRate": 14}}).encode()
        try:
            status, body = getattr(self, f"_{self.kind}_takes")(request)
        except Exception as error:    # noqa: BLE001
            self.violations.append(repr(error))
            return 400, b'{"message": "BadRequest"}'
        self.take(request)
        return status, body

    def take(self, request: Request) -> None:
        """A request that carries a message was accepted."""
        self.accepted += 1

    # -- Amazon SES -----------------------------------------------------------------------------

    def _ses_knows(self, request: Request) -> bool:
        digest = hashlib.sha256(request.body).hexdigest()
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\S+?)/(\d{8})/(\S+?)/ses/aws4_request, ?"
                             r"SignedHeaders=(\S+?), ?Signature=([0-9a-f]{64})", request.head.get("authorization", ""))
        if not found or found[1] != KEY_ID or found[3] != REGION or request.head.get("x-amz-content-sha256") != digest:
            self.violations.append(f"authorization of {request.head}")
            return False
        if request.head.get("x-amz-security-token", "") != self.session_token:
            return False
        names = found[4].split(";")
        for name in ("host", "x-amz-date", *(["x-amz-security-token"] if self.session_token else [])):
            if name not in names:
                self.violations.append(f"{name} is not signed")
        right = signature(request, found[2], names) == found[5]
        if not right:
            self.violations.append("the signature is wrong")
        return right

    def _ses_takes(self, request: Request) -> tuple[int, bytes]:
        asked = json.loads(request.body)
        if request.target != "/v2/email/outbound-emails" or "FromEmailAddress" in asked:
            raise ValueError(request.target)
        request.recipients = asked["Destination"]["ToAddresses"]
        request.sender = asked.get("FeedbackForwardingEmailAddress", "")
        request.content = base64.b64decode(asked["Content"]["Raw"]["Data"], validate=True)
        if not 1 <= len(request.recipients) <= 50:
            raise ValueError("recipients")
        return 200, json.dumps({"MessageId": f"0102-{self.accepted + 1}"}).encode()

    # -- Mailgun --------------------------------------------------------------------------------

    def _mailgun_knows(self, request: Request) -> bool:
        return request.head.get("authorization") == "Basic " + base64.b64encode(f"api:{API_KEY}".encode()).decode()

    def _mailgun_takes(self, request: Request) -> tuple[int, bytes]:
        if request.target != "/v3/mg.example.com/messages.mime":
            raise ValueError(request.target)
        form = BytesParser(policy=HTTP).parsebytes(
            f"Content-Type: {request.head['content-type']}\r\n\r\n".encode() + request.body)
        for part in form.iter_parts():    # type: ignore[attr-defined]
            if part.get_param("name", header="content-disposition") == "to":
                request.recipients.append(part.get_content().strip())
        boundary = re.search(r"boundary=\"?([^\";]+)", request.head["content-type"])
        assert boundary
        last = request.body.split(b"--" + boundary[1].encode())[-2]
        request.content = last.partition(b"\r\n\r\n")[2][:-2]
        return 200, json.dumps({"id": f"<{self.accepted + 1}@mg.example.com>", "message": "Queued."}).encode()

    # -- Microsoft Graph and Gmail ----------------------------------------------------------------

    def _bearer(self, request: Request) -> bool:
        scheme, _, token = request.head.get("authorization", "").partition(" ")
        return scheme == "Bearer" and token in self.tokens

    def _graph_knows(self, request: Request) -> bool:
        return self._bearer(request)

    def _gmail_knows(self, request: Request) -> bool:
        return self._bearer(request)

    def _named(self, request: Request) -> None:
        """The provider writes to whom the header names."""
        header = BytesParser().parsebytes(request.content, headersonly=True)
        text = ",".join(str(value) for name in ("to", "cc", "bcc") for value in header.get_all(name, []))
        request.recipients = re.findall(r"[^\s<>,]+@[^\s<>,]+", text)

    def _graph_takes(self, request: Request) -> tuple[int, bytes]:
        if request.target != "/v1.0/users/alerts%40example.com/sendMail" or request.head["content-type"] != "text/plain":
            raise ValueError(request.target)
        request.content = base64.b64decode(request.body, validate=True)
        self._named(request)
        return 202, b""

    def _gmail_takes(self, request: Request) -> tuple[int, bytes]:
        if request.target != "/upload/gmail/v1/users/me/messages/send?uploadType=media":
            raise ValueError(request.target)
        if request.head["content-type"] != "message/rfc822":
            raise ValueError(request.head["content-type"])
        request.content = request.body
        self._named(request)
        return 200, json.dumps({"id": f"g{self.accepted + 1}"}).encode()
