"""A relay that is slow to get ready has company after `patience`, and exactly one relay is offered the message."""

from __future__ import annotations

from support.case import MESSAGE, DeliveryCase, each
from support.relays import BlackHole, RefusedPort

SLOW = {"tarpit": ("silent-greeting",), "drip": ("drip-greeting",), "silent_ehlo": ("silent-ehlo",),
        "deaf": ("on greeting: deaf",)}


class RaceTest(DeliveryCase):
    """The stage limits keep their long defaults here, so only the race can end these in time."""

    def setUp(self) -> None:
        super().setUp()
        self.settings["patience"] = "200ms"

    @each(SLOW)
    def test_a_slow_relay_is_overtaken(self, script: str) -> None:
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second)
        self.assert_sent(result, by=second)
        self.assert_untouched(first)
        self.assertLess(result.seconds, 10)

    def test_a_black_hole_is_overtaken(self) -> None:
        hole, second = self.dead(BlackHole), self.relay()
        result = self.deliver(hole, second)
        self.assert_sent(result, by=second)
        self.assertLess(result.seconds, 10)

    def test_two_slow_relays_are_overtaken(self) -> None:
        relays = [self.relay("silent-greeting"), self.relay("silent-ehlo"), self.relay()]
        result = self.deliver(*relays)
        self.assert_sent(result, by=relays[2])
        self.assertLess(result.seconds, 10)

    def test_more_slow_relays_than_sessions_at_a_time(self) -> None:
        relays = [self.relay("silent-greeting") for _ in range(5)] + [self.relay()]
        result = self.deliver(*relays, greeting_timeout="500ms", connect_timeout="500ms")
        self.assert_sent(result, by=relays[5])

    def test_the_slow_one_may_still_win(self) -> None:
        """The second has been started, but it is not ready before the first."""
        first, second = self.relay("on greeting: delay 500ms ; default"), self.relay("silent-greeting")
        self.assert_sent(self.deliver(first, second), by=first)
        self.assert_untouched(second)

    def test_a_loser_that_gets_ready_later_is_offered_nothing(self) -> None:
        first, second = self.relay("on greeting: hold ; default"), self.relay("on data: hold ; default")
        delivery = self.start(first, second)
        delivery.feed(MESSAGE)
        delivery.end_input()
        second.wait_for("data")
        first.release()
        second.release()
        self.assert_sent(self.finish(delivery), by=second)
        self.assert_untouched(first)

    def test_a_relay_within_its_patience_has_no_company(self) -> None:
        """No session without need: relays count connections and complain."""
        first, second = self.relay("on greeting: delay 100ms ; default"), self.relay()
        self.assert_sent(self.deliver(first, second, patience="20s"), by=first)
        self.assertEqual(second.connections, [])

    def test_a_failure_does_not_wait_for_the_patience(self) -> None:
        for first in (self.dead(RefusedPort), self.relay("close-at-connect"), self.relay("greeting-554")):
            second = self.relay()
            with self.subTest(str(first)):
                result = self.deliver(first, second, patience="20s")
                self.assertEqual((result.status, len(second.accepted)), (0, 1), result)
                self.assertLess(result.seconds, 10)

    def test_the_overtaken_relay_gets_the_message_when_the_winner_refuses(self) -> None:
        """It was slow, not dead: it is asked before the message is deferred."""
        first = self.relay("on greeting connection 1: hold ; default\non greeting connection 2-: default")
        second = self.relay("on mail: reply 451 4.3.0 later")
        delivery = self.start(first, second)
        delivery.feed(MESSAGE)
        delivery.end_input()
        second.wait_for("mail")
        first.release()
        result = self.finish(delivery)
        self.assert_sent(result, by=first)

    def test_a_hard_refusal_of_the_winner_is_final(self) -> None:
        first, second = self.relay("silent-greeting"), self.relay("on rcpt: reply 550 5.1.1 no such user")
        self.assert_bounced(self.deliver(first, second), r"5\.1\.1")
        self.assert_untouched(first)

    @each({stage: (stage,) for stage in ("mail", "rcpt", "data")})
    def test_a_stall_in_the_transaction_is_short_while_another_relay_is_left(self, stage: str) -> None:
        first, second = self.relay(f"on {stage}: silent"), self.relay()
        self.assert_sent(self.deliver(first, second, stall_limit="500ms"), by=second)

    def test_the_last_relay_is_given_the_long_limits(self) -> None:
        first, last = self.relay("greeting-554"), self.relay("on mail: delay 1500ms ; default")
        self.assert_sent(self.deliver(first, last, stall_limit="300ms", patience="300ms"), by=last)

    def test_the_reply_to_the_dot_is_given_the_long_limit(self) -> None:
        """To stop waiting there would only make duplicates."""
        first, second = self.relay("on dot: delay 1500ms ; default"), self.relay()
        self.assert_sent(self.deliver(first, second, stall_limit="300ms", patience="300ms"), by=first)

    def test_all_slow_and_the_deadline(self) -> None:
        relays = [self.relay("silent-greeting", listen=f"127.0.0.{n}") for n in (2, 3)]
        result = self.deliver(*relays, deadline="1500ms")
        self.assert_deferred(result, words=tuple(relay.host for relay in relays))
