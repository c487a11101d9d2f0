"""How often a delivery has to wait for the relay, from SYN to the last reply: no more than the protocols force.

    without TLS   SYN · greeting · EHLO · MAIL+RCPT+DATA · content
    STARTTLS      SYN · greeting · EHLO · STARTTLS · ClientHello · Finished+EHLO · AUTH · MAIL+RCPT+DATA · content
    implicit TLS  SYN · ClientHello · Finished (then the greeting) · EHLO · AUTH · MAIL+RCPT+DATA · content

That is TLS 1.3 and a mechanism with an initial response. TLS 1.2 takes one more, CRAM-MD5 one more, and LOGIN too.
"""

from __future__ import annotations

from typing import Any

from slow_wire import SlowWire
from tls_case import SMTPS, SUBMISSION, TlsCase, each


class RoundTrips(TlsCase):
    def count(self, port: int, destination: str, host: str = "127.1.0.1", **keys: Any) -> int:
        with SlowWire((host, port)) as wire:
            result = self.send({"destination": destination.replace("PORT", str(wire.port)), **keys})
        self.assertEqual(result.status, 0, result)
        return wire.round_trips()

    def test_without_tls(self) -> None:
        count = self.count(SUBMISSION, "[127.0.0.1]:PORT", tls="none")
        print(f"{count} round trips without TLS")
        self.assertEqual(count, 5)

    def test_starttls(self) -> None:
        self.assertEqual(self.count(SUBMISSION, "[127.0.0.1]:PORT", tls="verify", tls_name="good.test"), 8)

    def test_implicit_tls(self) -> None:
        self.assertEqual(self.count(SMTPS, "smtps:[127.0.0.1]:PORT", tls="verify", tls_name="good.test"), 6)

    @each({"PLAIN": ("PLAIN", 0), "LOGIN": ("LOGIN", 1), "CRAM-MD5": ("CRAM-MD5", 1)})
    def test_auth(self, mechanism: str, more: int) -> None:
        keys = {"tls_name": "good.test", **self.account(auth_mechanisms=[mechanism])}
        starttls = self.count(SUBMISSION, "[127.0.0.1]:PORT", **keys)
        implicit = self.count(SMTPS, "smtps:[127.0.0.1]:PORT", **keys)
        print(f"{starttls} round trips with STARTTLS and AUTH {mechanism}, {implicit} with implicit TLS")
        self.assertEqual((starttls, implicit), (9 + more, 7 + more))

    def test_tls_1_2_takes_one_more(self) -> None:
        keys = {"tls": "verify", "tls_name": "tls12.test"}
        self.assertEqual(self.count(SUBMISSION, "[127.0.0.1]:PORT", "127.1.0.11", **keys), 9)
