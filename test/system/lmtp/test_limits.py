"""Quotas count what a relay accepted, and a relay whose quota is used up is no failure."""

from __future__ import annotations

from lmtp_case import LmtpCase
from support.lmtp_program import LmtpProgram
from support.relays import Relay

A, B, C, D = (f"{name}@example.net" for name in "abcd")


class QuotaTest(LmtpCase):
    def start(self, first: Relay, second: Relay, limit: str) -> LmtpProgram:    # type: ignore[override]
        config = self.directory / "relaypipe.toml"
        config.write_text(f'[relay.one]\ndestination = "{first.destination}"\n{limit}\n'
                          f'[relay.two]\ndestination = "{second.destination}"\n'
                          '[chain.outbound]\ntiers = [["one"], ["two"]]\n')
        config.chmod(0o644)
        return self.lmtp("outbound", options=("--config", str(config)))

    def test_recipients_that_were_accepted_count(self) -> None:
        """Of three one is refused and one deferred: three of four places are left."""
        first = self.relay("on rcpt to bad@*: reply 550 5.1.1 no such user\non rcpt to later@*: reply 450 4.2.1 busy")
        second = self.relay()
        program = self.start(first, second, 'quota = "4 recipients/24h"')
        replies = self.send(program, A, "bad@example.net", "later@example.net")
        self.assert_codes(replies, f"250 2.0.0 {first.name}", "550 5.1.1 ", f"250 2.0.0 {second.name}")
        self.assert_sent(self.send(program, B, C, D), by=first)
        self.assert_sent(self.send(program, A), by=second)
        self.assertEqual(self.given(first), [A, B, C, D])

    def test_messages_count_once(self) -> None:
        first, second = self.relay(), self.relay()
        program = self.start(first, second, 'quota = "2/24h"')
        for _ in range(2):
            self.assert_sent(self.send(program, A, B, C), by=first)
        self.assert_sent(self.send(program, A), by=second)

    def test_what_nobody_accepted_counts_nothing(self) -> None:
        first = self.relay("on rcpt to bad@*: reply 550 5.1.1 no such user\non dot nth 1: reply 451 4.3.0 disk full")
        second = self.relay()
        program = self.start(first, second, 'quota = "2 recipients/24h"')
        self.assert_codes(self.send(program, "bad@example.net", "bad@example.org"), "550 5.1.1 ", "550 5.1.1 ")
        self.assert_sent(self.send(program, A, B), by=second)
        self.assert_codes(program.probe(A), "250 ")
        self.assert_sent(self.send(program, A, B), by=first)
        self.assert_sent(self.send(program, A), by=second)

    def test_more_recipients_than_are_left(self) -> None:
        """The whole message goes to the next relay, or waits; it is not taken apart."""
        first, second = self.relay(), self.relay()
        program = self.start(first, second, 'quota = "2 recipients/24h"')
        self.assert_sent(self.send(program, A, B, C), by=second)
        self.assert_sent(self.send(program, A, B), by=first)

    def test_no_relay_has_any_left(self) -> None:
        relay = self.relay()
        config = self.directory / "relaypipe.toml"
        config.write_text(f'[relay.one]\ndestination = "{relay.destination}"\nquota = "1 recipients/24h"\n'
                          '[chain.outbound]\ntiers = [["one"]]\n')
        program = self.lmtp("outbound", options=("--config", str(config)))
        self.assert_sent(self.send(program, A), by=relay)
        self.assert_codes(self.send(program, B, C), "451 4.", "451 4.")
        self.assertEqual(self.given(relay), [A])
