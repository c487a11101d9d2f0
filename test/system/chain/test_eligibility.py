"""Who may carry what: a relay that may not is left out, and never connected to."""

from __future__ import annotations

from support.case import each
from support.chain_case import DOWN, ChainCase

QUEUE_ID = "4Xyz12345z"


class Eligibility(ChainCase):
    TEXT = '[relay.one]\n%s\n[chain.outbound]\ntiers = [["one"], ["two"]]\n'

    @each({
        "sender": ('senders = ["@other.example"]', ()),
        "null_sender_not_listed": ('senders = ["@example.org"]', ("",)),
        "sub_domain_only": ('senders = ["@.example.org"]', ()),
        "other_address": ('senders = ["someone@example.org"]', ()),
        "recipient": ('recipients = ["@other.example"]', ()),
        "size": ('max_size = 99', ()),
    })
    def test_left_out(self, line: str, sender: tuple[str, ...]) -> None:
        one, two = self.relay(), self.relay()
        self.configure(self.TEXT % line, one=one, two=two)
        arguments = {"sender": sender[0]} if sender else {}
        self.assert_sent(self.deliver("outbound", options=("--size", "100"), **arguments), by=two)
        self.assert_dialled(one, 0)

    @each({
        "domain": ('senders = ["@example.org"]', ()),
        "address": ('senders = ["SENDER@example.org"]', ()),
        "sub_domain": ('senders = ["@.example.org"]', ("a@sub.example.org",)),
        "null_sender": ('senders = ["@elsewhere.example", "<>"]', ("",)),
        "recipient": ('recipients = ["@example.net"]', ()),
        "size": ('max_size = 100', ()),
        "size_in_k": ('max_size = "1k"', ()),
    })
    def test_allowed(self, line: str, sender: tuple[str, ...]) -> None:
        one, two = self.relay(), self.relay()
        self.configure(self.TEXT % line, one=one, two=two)
        arguments = {"sender": sender[0]} if sender else {}
        self.assert_sent(self.deliver("outbound", options=("--size", "100"), **arguments), by=one)

    def test_one_of_two_recipients(self) -> None:
        one, two = self.relay(), self.relay()
        self.configure(self.TEXT % 'recipients = ["rcpt@example.net"]', one=one, two=two)
        result = self.deliver("outbound", to=("rcpt@example.net", "other@example.net"))
        self.assert_sent(result, by=two)

    def test_nothing_left(self) -> None:
        self.configure('[relay.one]\nsenders = ["@other.example"]\n[relay.two]\nmax_size = 50\n'
                       '[relay.three]\nrecipients = ["@other.example"]\n'
                       '[chain.outbound]\ntiers = [["one"], ["two"]]\nfallback = ["three"]\n',
                       one=self.relay(), two=self.relay(), three=self.relay())
        result = self.deliver("outbound", options=("--size", "100", "--queue-id", QUEUE_ID))
        self.assert_refused(result, "outbound", "one may not carry the sender <sender@example.org>",
                            "two message of 100 octets exceeds", "three may not carry the recipient")

    def test_too_large_for_every_relay_is_refused(self) -> None:
        one, two = self.relay(), self.relay()
        self.configure('[relay.one]\nmax_size = 99\n[relay.two]\nmax_size = 50\n'
                       '[chain.outbound]\ntiers = [["one"], ["two"]]\n', one=one, two=two)
        result = self.deliver("outbound", options=("--size", "100"))
        self.assertEqual(result.status, 69, result)
        self.assertTrue(result.text.startswith("5.3.4 message size 100 exceeds the max_size of every relay"), result)
        self.assert_dialled(one, 0)
        self.assert_dialled(two, 0)

    def test_a_bounce_that_no_relay_takes_is_told_what_to_write(self) -> None:
        self.configure('[relay.one]\nsenders = ["@example.org"]\n[chain.outbound]\ntiers = [["one"]]\n', one=self.relay())
        result = self.deliver("outbound", sender="", options=("--queue-id", QUEUE_ID))
        self.assertEqual(result.status, 75, result)
        self.assertIn('4.3.5 nexthop: no relay of chain outbound takes bounces, the sender <>: write "<>"', result.text)

    def test_relay_that_is_down_is_no_reason_to_use_one_that_may_not(self) -> None:
        one, two = self.relay(), self.relay(DOWN)
        self.configure(self.TEXT % 'senders = ["@other.example"]', one=one, two=two)
        self.assert_deferred(self.deliver("outbound"))
        self.assert_dialled(one, 0)
