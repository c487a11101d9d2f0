"""Address probes: RCPT is answered by asking a relay, which is given no message."""

from __future__ import annotations

from lmtp_case import LmtpCase
from support.case import each
from support.relays import BlackHole, RefusedPort

GOOD, BAD, LATER = "good@example.net", "bad@example.net", "later@example.net"
RULES = "on rcpt to bad@*: reply 550 5.1.1 no such user\non rcpt to later@*: reply 450 4.2.1 mailbox busy\n"


class ProbeTest(LmtpCase):
    @each({"good": (GOOD, "250 "), "bad": (BAD, "550 5.1.1 "), "later": (LATER, "451 4.2.1 ")})
    def test_the_relay_answers(self, recipient: str, start: str) -> None:
        relay = self.relay(RULES)
        self.assert_codes(self.lmtp(relay).probe(recipient), start)
        (transaction,) = relay.transactions
        self.assertEqual(transaction["recipients"] + transaction["refused"], [recipient])

    @each({"pipelined": ("",), "lock_step": ("offer -PIPELINING\n",)})
    def test_no_data_and_the_session_is_kept(self, offer: str) -> None:
        relay = self.relay(offer + RULES)
        program = self.lmtp(relay)
        for recipient, start in ((GOOD, "250 "), (BAD, "550 "), (LATER, "451 "), (GOOD, "250 ")):
            self.assert_codes(program.probe(recipient), start)
        self.assert_sent(self.send(program, GOOD), by=relay)
        self.assert_codes(program.probe(BAD), "550 ")
        self.assert_ends_well(program)
        (session,) = self.sessions(relay)
        self.assertEqual((session.verbs.count("DATA"), session["quit"], self.given(relay)), (1, True, [GOOD]))

    def test_several_recipients(self) -> None:
        relay = self.relay(RULES)
        self.assert_codes(self.lmtp(relay).probe(GOOD, BAD, LATER), "250 ", "550 5.1.1 ", "451 4.2.1 ")
        self.assertEqual(len(relay.transactions), 1)

    @each({"quit": ("QUIT",), "mail": ("MAIL FROM:<>",), "noop": ("NOOP",)})
    def test_what_may_end_one(self, word: str) -> None:
        relay = self.relay(RULES)
        program = self.lmtp(relay)
        self.assert_codes(program.ask("MAIL FROM:<>", f"RCPT TO:<{BAD}>", word), "250 ", "550 5.1.1 ", "2")

    def test_nothing_follows(self) -> None:
        """A client that does not pipeline waits for the reply; then it may say DATA."""
        relay = self.relay(RULES)
        program = self.lmtp(relay)
        for line, start in (("MAIL FROM:<a@example.org>", "250 "), (f"RCPT TO:<{BAD}>", "550 5.1.1 "),
                            (f"RCPT TO:<{GOOD}>", "250 "), ("DATA", "354 ")):
            self.assert_codes(program.ask(line), start)
        program.send(b"Subject: x\r\n\r\n.\r\n")
        self.assert_sent([program.reply()], by=relay)
        self.assertEqual(self.given(relay), [GOOD])

    @each({"refused_port": (RefusedPort,), "black_hole": (BlackHole,)})
    def test_no_relay_is_up(self, kind: type) -> None:
        self.assert_codes(self.lmtp(self.dead(kind), connect_timeout="300ms").probe(BAD), "451 4.4.1 ")

    @each({"greeting": ("on greeting: reply 554 5.7.1 go away",), "mail": ("on mail: reply 451 4.3.0 later",),
           "lost": ("on rcpt: close",)})
    def test_the_relay_says_nothing_of_the_recipient(self, rule: str) -> None:
        relay = self.relay(rule)
        self.assert_codes(self.lmtp(relay).probe(GOOD), "451 4.")

    def test_the_next_relay_is_asked(self) -> None:
        first, second = self.relay("on rcpt: reply 451 4.3.0 not now"), self.relay(RULES)
        program = self.lmtp(first, second)
        self.assert_codes(program.probe(BAD), "550 5.1.1 ")
        self.assert_codes(program.probe(GOOD), "250 ")

    def test_broken_configuration(self) -> None:
        self.assert_codes(self.lmtp("[127.0.0.1").probe(GOOD), "451 4.3.5 ")

    def test_the_log_has_no_delivery(self) -> None:
        """Statistics count verdict=sent."""
        relay = self.relay()
        program = self.lmtp(relay)
        program.probe(GOOD)
        self.assert_ends_well(program)
        self.assertEqual([line for line in self.syslog.stop() if "verdict=" in line], [])
