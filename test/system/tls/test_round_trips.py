"""How often a delivery has to wait for the relay, from SYN to the last reply: no more than the protocols force.

    without TLS   SYN · greeting · EHLO · MAIL+RCPT+DATA · content
    STARTTLS      SYN · greeting · EHLO · STARTTLS · ClientHello · Finished+EHLO · AUTH · MAIL+RCPT+DATA · content
    implicit TLS  SYN · ClientHello · Finished (then the greeting) · EHLO · AUTH · MAIL+RCPT+DATA · content
    HTTPS         SYN · ClientHello · Finished+request

That is TLS 1.3 and a mechanism with an initial response. TLS 1.2 and CRAM-MD5 take one more, and LOGIN, which has none, two.
"""

from __future__ import annotations

from typing import Any

from slow_wire import SlowWire
from support.case import each
from support.https_api import KEY_ID, REGION, SECRET_KEY, SmallApi
from tls_case import SMTPS, SUBMISSION, TlsCase


class RoundTrips(TlsCase):
    def count(self, expected: int, port: int, host: str = "127.1.0.1", **keys: Any) -> int:
        """A machine so busy that one flight is torn in two counts too many, never too few: it gets another try."""
        for _ in range(3):
            with SlowWire((host, port)) as wire:
                prefix = "smtps:" if port == SMTPS else ""
                result = self.send({"destination": f"{prefix}[127.0.0.1]:{wire.port}", **keys})
            self.assertEqual(result.status, 0, result)
            if wire.round_trips() <= expected:
                break
        self.assertEqual(wire.round_trips(), expected, wire.flights)
        return expected

    def test_without_tls(self) -> None:
        print(f"{self.count(5, SUBMISSION, tls='none')} round trips without TLS")

    def test_tls_without_an_account(self) -> None:
        self.count(8, SUBMISSION, tls="verify", tls_name="good.test")
        self.count(6, SMTPS, tls="verify", tls_name="good.test")

    @each({"PLAIN": ("PLAIN", 0), "LOGIN": ("LOGIN", 2), "CRAM-MD5": ("CRAM-MD5", 1)})
    def test_auth(self, mechanism: str, more: int) -> None:
        keys = {"tls_name": "good.test", **self.account(auth_mechanisms=[mechanism])}
        starttls, implicit = self.count(9 + more, SUBMISSION, **keys), self.count(7 + more, SMTPS, **keys)
        print(f"{starttls} round trips with STARTTLS and AUTH {mechanism}, {implicit} with implicit TLS")

    def test_https(self) -> None:
        secret = str(self.secret_file("key", SECRET_KEY))
        for _ in range(3):
            api = SmallApi(self.pki / "local.pem", host="local.test")
            self.addCleanup(api.stop)
            with SlowWire(("127.0.0.1", api.port)) as wire:
                api.port = wire.port    # as requests name it
                result = self.send({"destination": f"https:127.0.0.1:{wire.port}", "tls_name": "local.test", "provider": "ses",
                                    "region": REGION, "username": KEY_ID, "password_file": secret})
            self.assertEqual(result.status, 0, result)
            if wire.round_trips() <= 3:
                break
        self.assertEqual((wire.round_trips(), api.violations), (3, []), wire.flights)
        print(f"{wire.round_trips()} round trips with HTTPS")

    def test_tls_1_2_takes_one_more(self) -> None:
        self.count(9, SUBMISSION, "127.1.0.11", tls="verify", tls_name="tls12.test")
