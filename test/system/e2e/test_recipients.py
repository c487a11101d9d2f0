"""Several recipients in one request: pipe(8) can report one result only, so it is all or nothing."""

from __future__ import annotations

from support.case import DeliveryCase, each

GOOD, BAD, WORSE = "good@example.net", "bad@example.net", "worse@example.net"
PIPELINING = {"pipelined": ("",), "lock_step": ("offer -PIPELINING\n",)}
HINT = "relaypipe_destination_recipient_limit = 1"


class RecipientsTest(DeliveryCase):
    @each(PIPELINING)
    def test_all_accepted(self, offer: str) -> None:
        relay = self.relay(offer)
        transaction = self.assert_sent(self.deliver(relay, to=(GOOD, BAD, WORSE)), by=relay)
        self.assertEqual(transaction["recipients"], [GOOD, BAD, WORSE])

    @each({f"{mode}_{name}": (offer, order) for mode, (offer,) in PIPELINING.items() for name, order in
           {"last": (GOOD, BAD), "first": (BAD, GOOD), "middle": (GOOD, BAD, "also-good@example.net")}.items()})
    def test_one_refused_for_good_defers_all(self, offer: str, to: tuple[str, ...]) -> None:
        """The accepted ones must not get the message: the deferred request would send it to them again."""
        first, second = self.relay(f"{offer}on rcpt to bad@*: reply 550 5.1.1 no such user"), self.relay()
        result = self.deliver(first, second, to=to)
        self.assert_deferred(result, words=(HINT, "550 5.1.1 no such user"))
        self.assertEqual(first.transactions[0]["refused"], [BAD])
        self.assertEqual(second.dots, 0)

    @each(PIPELINING)
    def test_one_refused_for_now_sends_nothing_there(self, offer: str) -> None:
        relay = self.relay(f"{offer}on rcpt to bad@*: reply 450 4.2.0 greylisted")
        self.assert_deferred(self.deliver(relay, to=(GOOD, BAD)))

    @each(PIPELINING)
    def test_all_refused_for_good_is_hard(self, offer: str) -> None:
        first, second = self.relay(f"{offer}on rcpt: reply 550 5.1.1 no such user"), self.relay()
        self.assert_bounced(self.deliver(first, second, to=(BAD, WORSE)), r"5\.1\.1")
        self.assert_untouched(second)

    @each(PIPELINING)
    def test_all_refused_for_now_goes_to_the_next_relay(self, offer: str) -> None:
        first, second = self.relay(f"{offer}on rcpt: reply 450 4.2.0 greylisted"), self.relay()
        transaction = self.assert_sent(self.deliver(first, second, to=(GOOD, BAD)), by=second)
        self.assertEqual(transaction["recipients"], [GOOD, BAD])

    def test_hard_and_soft_mixed_is_soft(self) -> None:
        relay = self.relay("on rcpt to bad@*: reply 450 4.2.0 later\non rcpt: reply 550 5.1.1 no such user")
        self.assert_deferred(self.deliver(relay, to=(BAD, WORSE)), words=(HINT,))

    @each({"one_refused": ("on rcpt to bad@*: reply 550 5.1.1 no such user", (GOOD, BAD)),
           "all_refused": ("on rcpt: reply 550 5.1.1 no such user", (BAD, WORSE)),
           "single": ("on rcpt: reply 550 5.1.1 no such user", (BAD,))})
    def test_354_in_spite_of_refused_recipients(self, rule: str, to: tuple[str, ...]) -> None:
        """Pipelined DATA may be accepted although a recipient was not: no content, and no message for the rest."""
        relay = self.relay(f"{rule}\non data: reply 354 go ahead")
        result = self.deliver(relay, to=to)
        self.assertNotEqual(result.status, 0, result)
        self.assertEqual(relay.accepted, [], "an empty message was delivered to the accepted recipient")
        self.assertEqual(sum(t["content"]["length"] for t in relay.transactions if t["content"]), 0)

    @each({"data": ("on data: reply 451 4.3.0 later", "4."), "dot": ("on dot: reply 451 4.3.0 later", "4."),
           "data_hard": ("on data: reply 554 5.6.0 no", "5."), "dot_hard": ("on dot: reply 554 5.6.0 no", "5.")})
    def test_a_message_verdict_holds_for_all(self, rule: str, starts: str) -> None:
        relay = self.relay(rule)
        result = self.deliver(relay, to=(GOOD, BAD))
        self.assertTrue(result.text.startswith(starts), result)
        self.assertEqual(relay.accepted, [])

    def test_many_recipients(self) -> None:
        relay = self.relay()
        to = tuple(f"user{n:03}@example.net" for n in range(200))
        transaction = self.assert_sent(self.deliver(relay, to=to), by=relay)
        self.assertEqual(transaction["recipients"], list(to))

    def test_the_same_recipient_twice(self) -> None:
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, to=(GOOD, GOOD)), by=relay)
        self.assertEqual(set(transaction["recipients"]), {GOOD})
