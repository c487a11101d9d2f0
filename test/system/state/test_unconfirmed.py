"""The reply to the dot was lost: the message goes to the same relay alone for a while, then to others."""

from __future__ import annotations

import re

from counting_relay import CountingRelay
from state_case import StateCase
from support.machine import wait_until
from support.runs import Result

SHORT_REST = {"cool_down": "1s", "cool_down_max": "1s"}


class Unconfirmed(StateCase):
    def lose_reply(self, **settings: str) -> tuple[CountingRelay, CountingRelay, Result]:
        """A delivery to a relay whose reply to the dot is lost, although it has the message; a second one is well."""
        first, second = self.counting(dot_lost=True), self.counting()
        result = self.one(first, second, name="MAIL", **SHORT_REST, **settings)
        self.assertEqual((len(first.accepted), len(second.accepted)), (1, 0))
        return first, second, result

    def again(self, first: CountingRelay, second: CountingRelay, **settings: str) -> Result:
        """The next attempt that dials a relay: while the first one rests, attempts are over without a connection."""
        before = len(first.sessions) + len(second.sessions)
        result: list[Result] = []

        def dialled() -> bool:
            result[:] = [self.one(first, second, name="MAIL", **SHORT_REST, **settings)]
            return len(first.sessions) + len(second.sessions) > before

        wait_until(dialled, "an attempt that dials")
        return result[0]

    def test_it_goes_to_the_same_relay_alone(self) -> None:
        first, second, result = self.lose_reply()
        self.assertRegex(result.text, r"^4\.")
        first.behaviour.dot_lost, first.behaviour.dot = False, "451 4.3.0 not now"
        for _ in range(2):
            self.assertEqual(self.again(first, second).status, 75)
        self.assertEqual(second.sessions, [])
        # Another message is not held.
        self.assertEqual(self.one(first, second, name="OTHER", **SHORT_REST).status, 0)
        self.assertEqual(second.recipients["OTHER@example.net"], 1)
        first.behaviour.dot = "250 2.0.0 Ok: I had it already"
        self.assertEqual(self.again(first, second).status, 0)
        self.assertEqual(second.recipients["MAIL@example.net"], 0)

    def test_while_the_relay_rests_nobody_else_has_it(self) -> None:
        first, second, _ = self.lose_reply()
        for _ in range(3):
            result = self.one(first, second, name="MAIL", **{**SHORT_REST, "cool_down": "60s", "cool_down_max": "60s"})
            self.assertEqual(result.status, 75)
        self.assertEqual(second.sessions, [])

    def test_after_the_hold_others_have_it(self) -> None:
        first, second, _ = self.lose_reply(unconfirmed_hold="8s")
        first.behaviour.dot_lost, first.behaviour.dot = False, "451 4.3.0 not now"
        held = self.again(first, second, unconfirmed_hold="8s")
        self.assertEqual(second.sessions, [], held)
        wait_until(lambda: self.again(first, second, unconfirmed_hold="8s").status == 0, "the end of the hold")
        self.assertEqual(second.recipients["MAIL@example.net"], 1)

    def test_the_hold_begins_with_the_first_lost_reply(self) -> None:
        """Replies that go on being lost do not make it longer."""
        first, second, _ = self.lose_reply(unconfirmed_hold="8s")
        wait_until(lambda: self.again(first, second, unconfirmed_hold="8s").status == 0, "the end of the hold")
        self.assertEqual(second.recipients["MAIL@example.net"], 1)
        self.assertGreater(len(first.accepted), 1, "the relay was not asked again")

    def test_another_message_with_the_same_queue_id_is_not_held(self) -> None:
        first, second, _ = self.lose_reply()
        first.behaviour.dot_lost, first.behaviour.dot = False, "451 4.3.0 not now"
        delivery = self.start(first, second, options=("--queue-id", "MAIL"), to=("MAIL@example.net",), **SHORT_REST)
        delivery.feed(b"Subject: another one\n\nWritten later.\n")
        self.assertEqual(self.finish(delivery).status, 0)
        self.assertEqual(second.recipients["MAIL@example.net"], 1)

    def test_any(self) -> None:
        first, second, result = self.lose_reply(on_unconfirmed="any")
        self.assertEqual(result.status, 75)
        self.assertEqual(self.one(first, second, name="MAIL", on_unconfirmed="any", **SHORT_REST).status, 0)
        self.assertEqual(second.recipients["MAIL@example.net"], 1)

    def test_bounce(self) -> None:
        _, second, result = self.lose_reply(on_unconfirmed="bounce")
        self.assertRegex(result.text, r"^5\.")
        self.assertEqual(second.sessions, [])

    def test_the_log_names_it(self) -> None:
        first, *_ = self.lose_reply()
        self.assertEqual(len(self.whole_log(rf"relay={re.escape(first.name)}.*attempt=unconfirmed")), 1)
