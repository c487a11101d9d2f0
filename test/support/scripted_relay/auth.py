"""The server's half of SASL mechanisms (RFC 4954) for a scripted relay: challenges out, responses in, no socket."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import Optional

from support.scripted_relay.journal import Login

CRAM_CHALLENGE = b"<1896.697170952@relay.test>"
BEARER = re.compile(rb"auth=Bearer ([^\x01]*)\x01", re.IGNORECASE)
BEARER_USER = re.compile(rb"(?:^user=|^n,a=)([^\x01,]*)")
BEARER_ERROR = b'{"status":"401","schemes":"Bearer"}'


class Exchange:
    """One AUTH command. Ask for challenge() and hand over each response() until challenge() is None; then login tells."""

    def __init__(self, mechanism: str, encrypted: bool, account: Optional[tuple[str, str]]) -> None:
        self.login = Login(mechanism, encrypted)
        self.cancelled = False
        self._account = account
        self._responses: list[bytes] = []

    def challenge(self) -> Optional[bytes]:
        """What to ask next, plain; None when the exchange is over."""
        if self.cancelled:
            return None
        said = len(self._responses)
        mechanism = self.login.mechanism
        if mechanism == "LOGIN":
            return (b"Username:", b"Password:")[said] if said < 2 else None
        if said == 0:
            return CRAM_CHALLENGE if mechanism == "CRAM-MD5" else b""
        if mechanism in ("XOAUTH2", "OAUTHBEARER") and said == 1 and not self.login.accepted:
            return BEARER_ERROR    # RFC 7628 3.2.3: the client answers with an empty response, then comes the 535
        return None

    def response(self, line: str) -> None:
        """A line of the client in base64; `=` is an empty initial response, `*` gives up."""
        try:
            data = b"" if line in ("", "=") else base64.b64decode(line, validate=True)
        except (binascii.Error, ValueError):
            self.cancelled = True    # `*` is no base64 either
            return
        self._responses.append(data)
        self.login.said.append(data.decode("utf-8", "replace"))
        if len(self._responses) == (2 if self.login.mechanism == "LOGIN" else 1):
            self._judge()

    def _judge(self) -> None:
        login, last = self.login, self._responses[-1]
        user, secret = b"", b""
        if login.mechanism == "LOGIN":
            user, secret = self._responses
        elif login.mechanism == "PLAIN" and last.count(b"\0") == 2:
            _, user, secret = last.split(b"\0")
        elif login.mechanism == "CRAM-MD5":
            user, _, secret = last.rpartition(b" ")
        elif found := BEARER.search(last):
            name = BEARER_USER.search(last)
            user, secret = name[1] if name else b"", found[1]
        login.user = user.decode("utf-8", "surrogateescape")
        login.secret = secret.decode("utf-8", "surrogateescape")
        login.accepted = self._is_right()

    def _is_right(self) -> bool:
        if not self._account:
            return bool(self.login.user)
        user, password = self._account
        if self.login.mechanism == "CRAM-MD5":
            password = hmac.new(password.encode(), CRAM_CHALLENGE, "md5").hexdigest()
        return (self.login.user, self.login.secret) == (user, password)
