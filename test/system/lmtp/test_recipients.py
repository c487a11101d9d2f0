"""A result for each recipient: what a relay said of it, and nobody is sent a message twice."""

from __future__ import annotations

import re

from lmtp_case import LmtpCase
from support.case import each

GOOD, BAD, LATER = "good@example.net", "bad@example.net", "later@example.net"
PIPELINING = {"pipelined": ("",), "lock_step": ("offer -PIPELINING\n",)}
REFUSES_BAD = "on rcpt to bad@*: reply 550 5.1.1 no such user\n"
DEFERS_LATER = "on rcpt to later@*: reply 450 4.2.1 mailbox busy\n"


class RecipientsTest(LmtpCase):
    @each(PIPELINING)
    def test_all_accepted_is_one_transaction(self, offer: str) -> None:
        relay = self.relay(offer)
        program = self.lmtp(relay)
        self.assert_sent(self.send(program, GOOD, BAD, LATER), by=relay)
        self.assert_ends_well(program)
        (transaction,) = relay.transactions
        self.assertEqual(transaction["recipients"], [GOOD, BAD, LATER])

    @each(PIPELINING)
    def test_each_has_a_result_of_its_own(self, offer: str) -> None:
        relay = self.relay(offer + REFUSES_BAD + DEFERS_LATER)
        replies = self.send(self.lmtp(relay), BAD, GOOD, LATER)
        self.assert_codes(replies, "550 5.1.1 ", "250 2.0.0 ", "451 4.2.1 ")
        self.assertIn(f"host {relay.name} said: 550 5.1.1 no such user", replies[0])
        self.assertIn("450 4.2.1 mailbox busy", replies[2])
        self.assertEqual(self.given(relay), [GOOD])

    @each(PIPELINING)
    def test_one_relay_takes_some_the_next_the_rest(self, offer: str) -> None:
        first, second = self.relay(offer + DEFERS_LATER + REFUSES_BAD), self.relay(offer)
        replies = self.send(self.lmtp(first, second), LATER, GOOD, BAD, "later@example.org", "also-good@example.net")
        self.assert_codes(replies, f"250 2.0.0 {second.name}", f"250 2.0.0 {first.name}", "550 5.1.1 ",
                          f"250 2.0.0 {second.name}", f"250 2.0.0 {first.name}")
        self.assertEqual(self.given(first), [GOOD, "also-good@example.net"])
        self.assertEqual([t["recipients"] + t["refused"] for t in second.transactions], [[LATER, "later@example.org"]])

    def test_three_relays_share_a_message(self) -> None:
        """Each takes one more, and the last has nothing for the fourth."""
        first = self.relay("on rcpt to a@*: default\non rcpt: reply 451 4.3.0 not now")
        second = self.relay("on rcpt to b@*: default\non rcpt: reply 451 4.3.0 not now")
        third = self.relay("on rcpt to d@*: reply 451 4.3.0 not now")
        replies = self.send(self.lmtp(first, second, third), *(f"{name}@example.net" for name in "abcd"))
        self.assert_codes(replies, "250", "250", "250", "451 4.3.0 ")
        self.assertEqual([self.given(relay) for relay in (first, second, third)],
                         [["a@example.net"], ["b@example.net"], ["c@example.net"]])

    @each({"data": ("on data",), "dot": ("on dot",)})
    def test_the_message_deferred_goes_to_the_next_whole(self, stage: str) -> None:
        first, second = self.relay(f"{stage}: reply 451 4.3.0 later"), self.relay()
        self.assert_sent(self.send(self.lmtp(first, second), GOOD, BAD), by=second)
        self.assertEqual((self.given(first), self.given(second)), ([], [GOOD, BAD]))

    @each({"data": ("on data", "550"), "dot": ("on dot", "550")})
    def test_the_message_refused_is_refused_for_all(self, stage: str, code: str) -> None:
        first, second = self.relay(f"{stage}: reply 554 5.6.0 no such content"), self.relay()
        self.assert_codes(self.send(self.lmtp(first, second), GOOD, BAD), f"{code} 5.6.0 ", f"{code} 5.6.0 ")
        self.assert_untouched(second)

    def test_refused_and_then_the_dot_deferred(self) -> None:
        """Who was refused stays so; the others are somebody else's."""
        first, second = self.relay(f"{REFUSES_BAD}on dot: reply 451 4.3.0 disk full"), self.relay()
        self.assert_codes(self.send(self.lmtp(first, second), GOOD, BAD), f"250 2.0.0 {second.name}", "550 5.1.1 ")
        self.assertEqual(self.given(second), [GOOD])

    @each({"some": (BAD, GOOD), "all": (BAD, "bad@example.org")})
    def test_354_in_spite_of_refused_recipients(self, *to: str) -> None:
        relay = self.relay(f"{REFUSES_BAD}on data: reply 354 go ahead")
        program = self.lmtp(relay)
        replies = self.send(program, *to)
        self.assert_codes(replies, *("550 5.1.1 " if each == BAD or each.startswith("bad@") else "250" for each in to))
        self.assert_ends_well(program)
        self.assertEqual(self.given(relay), [each for each in to if each == GOOD])

    def test_fifty_recipients_are_one_transaction(self) -> None:
        relay = self.relay()
        to = [f"user{n:02}@example.net" for n in range(50)]
        self.assert_sent(self.send(self.lmtp(relay), *to), by=relay)
        (transaction,) = relay.transactions
        self.assertEqual(transaction["recipients"], to)

    def test_the_same_recipient_twice(self) -> None:
        relay = self.relay()
        self.assert_sent(self.send(self.lmtp(relay), GOOD, GOOD), by=relay)
        self.assertEqual(len(relay.accepted), 1)

    def test_the_next_attempt_is_for_those_that_are_left(self) -> None:
        """As Postfix does it: the same message again for the deferred one."""
        relay = self.relay("on rcpt to later@* nth 2: reply 450 4.2.1 mailbox busy")
        program = self.lmtp(relay)
        self.assert_codes(self.send(program, GOOD, LATER, queue_id="4QSAME"), "250", "451 4.2.1 ")
        self.assert_sent(self.send(program, LATER, queue_id="4QSAME"), by=relay)
        self.assertEqual(self.given(relay), [GOOD, LATER])

    def test_a_domain_of_its_own_refusal(self) -> None:
        """`relay access denied` for one domain: the next relay may take it, and the other recipients are where they are."""
        first = self.relay("on rcpt to *@closed.example: reply 554 5.7.1 relay access denied")
        second = self.relay()
        replies = self.send(self.lmtp(first, second), "a@open.example", "b@closed.example")
        self.assert_codes(replies, f"250 2.0.0 {first.name}", f"250 2.0.0 {second.name}")

    @each({"all_at_once": ("", "", ("sent",) * 3), "all_by_the_second": ("on dot: reply 451 4.3.0 later", "", ("sent",) * 3),
           "mixed": (REFUSES_BAD + DEFERS_LATER, DEFERS_LATER, ("sent", "bounced", "deferred")),
           "shared": (DEFERS_LATER, REFUSES_BAD, ("sent", "sent", "sent")),
           "nobody": ("on greeting: reply 421 4.3.2 no", "on mail: reply 451 4.3.0 no", ("deferred",) * 3)})
    def test_the_log_has_one_verdict_for_each(self, one: str, two: str, verdicts: tuple[str, ...]) -> None:
        """In our own words: `status=` is Postfix's, and statistics count it."""
        program = self.lmtp(self.relay(one), self.relay(two))
        self.send(program, GOOD, BAD, LATER, queue_id="4QLOGGED")
        self.assert_ends_well(program)
        lines = self.syslog.stop()
        found = [re.search(r"4QLOGGED: to=<([^>]*)>.* verdict=(\w+) ", line) for line in lines if "verdict=" in line]
        self.assertEqual([match and match.groups() for match in found], list(zip((GOOD, BAD, LATER), verdicts)), lines)
        self.assertNotIn("status=", "".join(lines))

    @each({"lines": ("550-5.1.1 one\\r\\n550-5.1.1 two\\r\\n550 5.1.1 three", "one"), "long": ("550 5.1.1 ${x*900}", "xxx"),
           "many_lines": (f"550-5.1.1 {'y' * 400}\\r\\n" * 20 + "550 5.1.1 end", "yyy"),
           "control": ("550 5.1.1 a\\e[31mb\\x00c\\x07d", "a"), "utf8": ("550 5.1.1 unbekannt: Grüße", "unbekannt"),
           "binary": ("550 5.1.1 \\xff\\xfe\\x80 x", "x"), "contradicting": ("550 2.1.5 who knows", "who knows"),
           "bare": ("550", "550")})
    def test_whatever_a_relay_says_is_one_line(self, said: str, word: str) -> None:
        """lmtp(8) reads lines of 2048 octets; the text ends up in the log and in reports."""
        relay = self.relay(f"on rcpt to bad@*: reply {said}")
        reply, good = self.send(self.lmtp(relay), BAD, GOOD)
        self.assertRegex(reply, r"^[45]5\d [45]\.\d+\.\d+ \S")
        self.assertTrue(reply.isprintable(), reply)
        self.assertLess(len(reply), 1100)
        self.assertIn(word, reply)
        self.assert_codes([good], "250 2.0.0 ")

    def test_an_internationalized_address_does_not_keep_the_others(self) -> None:
        """From a relay without SMTPUTF8 the others get the message, and the next relay that one."""
        first, second = self.relay("offer -SMTPUTF8"), self.relay()
        replies = self.send(self.lmtp(first, second), GOOD, "grüße@example.net")
        self.assert_codes(replies, f"250 2.0.0 {first.name}", f"250 2.0.0 {second.name}")
        self.assertEqual((self.given(first), self.given(second)), ([GOOD], ["grüße@example.net"]))


class UnconfirmedTest(LmtpCase):
    """The reply to the dot was lost, for those whom the relay had accepted at RCPT."""

    def test_only_who_was_in_the_transaction_is_unconfirmed(self) -> None:
        first, second = self.relay(f"{REFUSES_BAD}{DEFERS_LATER}on dot: close"), self.relay()
        replies = self.send(self.lmtp(first, second), GOOD, BAD, LATER)
        self.assert_codes(replies, "451 4.", "550 5.1.1 ", f"250 2.0.0 {second.name}")
        self.assertIn("message may be sent more than once", replies[0])
        self.assertEqual((first.dots, self.given(second)), (1, [LATER]))

    def test_the_next_attempt_goes_to_that_relay_alone(self) -> None:
        first = self.relay("on dot connection 1: close\non rcpt to good@* connection 2: reply 451 4.3.0 not now\n")
        second = self.relay()
        program = self.lmtp(first, second)
        self.assert_codes(self.send(program, GOOD, queue_id="4QLOST"), "451 4.4.2 ")
        self.assert_codes(self.send(program, GOOD, queue_id="4QLOST"), "451 4.3.0 ")
        # Another message is not held.
        self.assert_sent(self.send(program, GOOD), by=second)
        self.assert_codes(self.send(program, GOOD, queue_id="4QLOST"), "451 4.3.0 ")
        self.assertEqual(len(second.accepted), 1)

    def test_who_was_not_in_that_transaction_is_not_held(self) -> None:
        """The relay's reply for one was lost, and the other one had been deferred there: he may go elsewhere."""
        first = self.relay(f"on dot connection 1: close\n{DEFERS_LATER}")
        second = self.relay("on rcpt nth 1: reply 451 4.3.0 not now")
        program = self.lmtp(first, second)
        self.assert_codes(self.send(program, GOOD, LATER, queue_id="4QLOST"), "451 4.4.2 ", "451 4.")
        replies = self.send(program, GOOD, LATER, queue_id="4QLOST")
        self.assert_codes(replies, f"250 2.0.0 {first.name}", f"250 2.0.0 {second.name}")
        self.assertEqual((self.given(first), self.given(second)), ([GOOD], [LATER]))
