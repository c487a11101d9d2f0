"""STARTTLS under attack, and handshakes that end in every wrong way."""

from __future__ import annotations

from support.case import each
from tls_case import TlsCase


class Injection(TlsCase):
    @each({level: (level,) for level in ("may", "encrypt", "verify")})
    def test_a_reply_before_the_handshake(self, level: str) -> None:
        """The classic: a reply to the EHLO that will be said inside TLS, sent in clear behind the 220."""
        rule = 'on starttls: send 220 2.0.0 go ahead\\r\\n250-local.test\\r\\n250 AUTH PLAIN\\r\\n'
        relay, section = self.local(f"starttls $PEM\n{rule}")
        if level == "may":
            result = self.send({**section, "tls": level}, {"destination": "[good.test]:587"})
            self.assertEqual(result.status, 0, result)
            return
        self.assert_passed_over({**section, "tls": level}, "local.test", "injected", dsn=r"4\.7\.5")
        self.assertEqual(relay.transactions, [])

    @each({"close": ("on tls: close",), "reset": ("on tls: reset",), "cut": ("on tls: cut 40",),
           "silent": ("on tls: silent",), "text": ('on tls: send 250 what is TLS?\\r\\n ; close',)})
    def test_a_broken_handshake(self, rule: str) -> None:
        relay, section = self.local(f"starttls $PEM\n{rule}")
        self.assert_passed_over({**section, "tls": "verify", "starttls_timeout": "1s"}, "local.test")
        self.assertEqual(relay.transactions, [])

    @each({"close": ("on tls: close",), "text": ('on tls: send 500 no\\r\\n ; close',)})
    def test_a_broken_handshake_of_implicit_tls(self, rule: str) -> None:
        relay, section = self.local(f"smtps $PEM\n{rule}")
        section["destination"] = "smtps:" + section["destination"]
        self.assert_passed_over({**section, "tls": "encrypt"}, "local.test")

    def test_a_relay_that_speaks_no_tls_where_it_is_implicit(self) -> None:
        relay, section = self.local("")
        self.lawless_relays.add(relay)    # to it a handshake is no SMTP
        section["destination"] = "smtps:" + section["destination"]
        self.assert_passed_over({**section, "tls": "encrypt"}, "what it sent is not TLS", dsn=r"4\.7\.5")
