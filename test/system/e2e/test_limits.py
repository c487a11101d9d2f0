"""Time and signals: every stage has a limit, the deadline is above them all, and all of it ends in exit 75."""

from __future__ import annotations

import signal

from support.case import MESSAGE, DeliveryCase, each
from support.relays import BlackHole
from support.wire import sample

# Stage at which a relay falls silent, and the setting that must end the wait.
SETTING_OF = {"greeting": "greeting_timeout", "ehlo": "helo_timeout", "mail": "mail_timeout", "rcpt": "rcpt_timeout",
              "data": "data_init_timeout", "dot": "data_done_timeout"}


class TimeoutTest(DeliveryCase):
    @each({f"{stage}_{name}": (stage, fault) for stage in SETTING_OF for name, fault in
           {"silent": "silent", "drip": "drip 100ms ; reply 250 ${long-*200}"}.items()})
    def test_every_stage_has_its_own_limit(self, stage: str, fault: str) -> None:
        """The other limits are long, so only the stage's own one can end this before the test's limit."""
        relay = self.relay(f"offer -PIPELINING\non {stage}: {fault}")
        result = self.deliver(relay, **{SETTING_OF[stage]: "300ms"})
        self.assert_deferred(result, r"4\.4\.\d+", dots=1 if stage == "dot" else 0)
        self.assertRegex(result.text, "(?i)timed out|timeout", result)
        self.assertLess(result.seconds, 15)

    def test_a_stuck_content_has_a_limit(self) -> None:
        relay = self.relay("on content: deaf")
        result = self.deliver(relay, message=sample(20_000_000), data_xfer_timeout="300ms")
        self.assert_deferred(result, r"4\.4\.\d+")

    def test_a_slow_relay_is_not_a_stuck_one(self) -> None:
        """data_xfer_timeout is for each chunk, not for the message: slow but steady passes."""
        relay = self.relay("on content: read 4000 every 20ms")
        result = self.deliver(relay, message=sample(400_000), data_xfer_timeout="1500ms")
        self.assert_sent(result, by=relay)

    def test_connect_timeout(self) -> None:
        result = self.deliver(self.dead(BlackHole), connect_timeout="300ms")
        self.assert_deferred(result, r"4\.4\.1")
        self.assertLess(result.seconds, 15)


class DeadlineTest(DeliveryCase):
    @each({stage: (stage,) for stage in ("greeting", "ehlo", "mail", "rcpt", "data", "dot")})
    def test_a_deadline_shorter_than_a_silent_relay(self, stage: str) -> None:
        relay = self.relay(f"on {stage}: silent")
        result = self.deliver(relay, options=("--deadline", "1s"))
        self.assert_deferred(result, dots=1 if stage == "dot" else 0)
        self.assertLess(result.seconds, 15)

    def test_the_deadline_ends_the_content_too(self) -> None:
        relay = self.relay("on content: read 100 every 100ms")
        result = self.deliver(relay, message=sample(20_000_000), options=("--deadline", "1s"))
        self.assert_deferred(result)

    def test_the_deadline_as_a_setting(self) -> None:
        relay = self.relay("silent-greeting")
        self.assert_deferred(self.deliver(relay, deadline="1s"))

    def test_the_deadline_counts_from_the_start_not_from_the_end_of_stdin(self) -> None:
        relay = self.relay()
        delivery = self.start(relay, options=("--deadline", "1s"))
        delivery.feed(MESSAGE[:30])
        result = delivery.wait_as_is()
        self.check_contract(result)
        self.assert_deferred(result)

    def test_many_silent_relays_share_one_deadline(self) -> None:
        relays = [self.relay("silent-greeting") for _ in range(4)]
        result = self.deliver(*relays, options=("--deadline", "1s"))
        self.assert_deferred(result)
        self.assertLess(result.seconds, 15)

    def test_no_deadline_is_too_short_to_end_well(self) -> None:
        relay = self.relay("silent-greeting")
        self.assert_deferred(self.deliver(relay, options=("--deadline", "1ms")))


class SignalTest(DeliveryCase):
    @each({stage: (stage,) for stage in ("greeting", "ehlo", "mail", "rcpt", "data")})
    def test_sigterm_before_acceptance(self, stage: str) -> None:
        relay = self.relay(f"on {stage}: silent")
        delivery = self.start(relay)
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for(stage)
        delivery.signal(signal.SIGTERM)
        self.assert_deferred(self.finish(delivery))

    def test_sigterm_while_stdin_is_fed(self) -> None:
        relay = self.relay()
        delivery = self.start(relay)
        delivery.feed(MESSAGE)
        relay.wait_for("ehlo")
        delivery.signal(signal.SIGTERM)
        result = delivery.wait_as_is()
        self.check_contract(result)
        self.assert_deferred(result)

    def test_sigterm_in_the_content(self) -> None:
        relay = self.relay("on content after 100000: hold")
        delivery = self.start(relay)
        delivery.feed(sample(20_000_000))
        delivery.end_input()
        relay.wait_for("content+100000")
        delivery.signal(signal.SIGTERM)
        self.assert_deferred(self.finish(delivery))

    def test_sigterm_while_the_reply_to_the_dot_is_awaited(self) -> None:
        """The relay may accept or not: whatever is reported, success needs the reply."""
        relay = self.relay("hold-dot")
        delivery = self.start(relay)
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for("dot")
        delivery.signal(signal.SIGTERM)
        relay.release()
        result = self.finish(delivery)
        self.assertIn(result.status, (0, 75), result)
        self.assertFalse(result.status == 0 and not relay.accepted, "success without acceptance")

    def test_sigterm_after_acceptance_cannot_undo_it(self) -> None:
        relay = self.relay("silent-quit")
        delivery = self.start(relay)
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for("quit")
        try:
            delivery.signal(signal.SIGTERM)
        except ProcessLookupError:
            pass    # it did not wait for the reply to QUIT
        self.assert_sent(self.finish(delivery), by=relay)
