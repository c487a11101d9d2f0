"""From MAIL to the reply to the dot: soft goes to the next relay, hard stops, unconfirmed stops and defers."""

from __future__ import annotations

import functools

from support.case import DeliveryCase, each, limits_for
from support.relays import RefusedPort, content_of
from support.wire import sample, wire_form

STAGES = ("mail", "rcpt", "data", "dot")
PIPELINING = {"pipelined": "", "lock_step": "offer -PIPELINING\n"}

# Every offer × every stage × every fault, from small parts.
SOFT_FAULTS = {
    "450": "reply 450 4.2.0 try again",
    "451_bare": "reply 451 error in processing",
    "421": "reply 421 4.3.2 shutting down ; close",
    "452_lines": r"reply 452-4.3.1 disk\r\n452 4.3.1 full",
}
LOST = {
    "close": "close",
    "reset": "reset",
    "silent": "silent",
    "drip": "drip 150ms ; reply 250 ${long-*20}",
    "half_reply": "send 25 ; close",
    "half_lines": r"send 250-first\r\n ; close",
}
# They name the recipient or the message, but to MAIL nothing does.
NAMING = {
    "550": ("550 5.1.1 no such user", r"5\.1\.1"),
    "553": ("553 5.1.3 bad syntax", r"5\.1\.3"),
    "554_content": ("554 5.6.0 not a message", r"5\.6\.0"),
}
NAMING_NOBODY = {
    "554_bare": ("554 transaction failed", r"5\.\d+\.\d+"),
    "550_policy": ("550 5.7.1 refused", r"5\.7\.1"),
    "contradiction": ("550 4.1.1 a soft code in a hard reply", r"5\.\d+\.\d+"),
}
# They speak of us or of the relay, whatever their first digit is.
OF_THE_RELAY = {
    "storage": "552 5.3.1 Insufficient system storage",
    "no_network_mail": "554 5.3.2 System not accepting network messages",
    "reverse_dns": "550 5.7.25 Reverse DNS validation failed",
    "helo": "554 5.7.1 <vm>: Helo command rejected: Host not found",
    "helo_name": "550 Invalid HELO name",
    "postscreen": "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.example.org",
    "sender": "550 Sender address is not allowed.",
    "owner": "553 Mail from must equal authorized user",
    "identity": "550 The from address does not match a verified Sender Identity. Mail cannot be sent",
    "auth": "550 SMTP AUTH is required",
}
COMMAND = {"mail": "MAIL FROM", "rcpt": "RCPT TO", "data": "DATA", "dot": "end of DATA"}


@functools.cache
def large() -> bytes:
    """More than socket buffers hold."""
    return sample(20_000_000, 900)


def soft_rows() -> dict[str, tuple[str, str]]:
    rows = {}
    for mode, offer in PIPELINING.items():
        for stage in STAGES:
            for name, action in {**SOFT_FAULTS, **(LOST if stage != "dot" else {})}.items():
                rows[f"{mode}_{stage}_{name}"] = (stage, f"{offer}on {stage}: {action}")
    return rows


def hard_rows(naming: bool) -> dict[str, tuple[str, str, str, str]]:
    """Refusals that name somebody, or those that do not."""
    rows = {}
    for mode, offer in PIPELINING.items():
        for stage in STAGES:
            for name, (reply, dsn) in (NAMING | NAMING_NOBODY).items():
                if naming == (stage != "mail" and name in NAMING):
                    rows[f"{mode}_{stage}_{name}"] = (stage, f"{offer}on {stage}: reply {reply}", reply, dsn)
    return rows


class TransactionFailoverTest(DeliveryCase):
    @each(soft_rows())
    def test_soft_goes_to_the_next_relay(self, stage: str, script: str) -> None:
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        self.assertEqual(result.status, 0, result)
        self.assertTrue(result.text.startswith(f"{second.name}: 250 "), result)
        self.assertEqual((len(first.accepted), len(second.accepted)), (0, 1))
        self.assertEqual(len(first.transactions), 1, "the first relay was not offered the message once")
        self.assertEqual(first.dots, 1 if stage == "dot" else 0)

    @each({key: row for key, row in soft_rows().items() if key.startswith("pipelined")})
    def test_soft_alone_defers(self, stage: str, script: str) -> None:
        relay = self.relay(script)
        result = self.deliver(relay, **limits_for(script))
        self.assert_deferred(result, words=(str(relay.port),), dots=1 if stage == "dot" else 0)

    @each(hard_rows(naming=False))
    def test_hard_that_names_nobody_is_final_when_all_refuse(self, stage: str, script: str, reply: str, dsn: str) -> None:
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        self.assertEqual(result.status, 0, result)
        self.assertTrue(result.text.startswith(f"{second.name}: 250 "), result)
        self.assertEqual((len(first.accepted), len(second.accepted)), (0, 1))
        third, fourth = self.relay(script), self.relay(script)
        said = f"host {fourth.name} said: {reply} (in reply to {COMMAND[stage]} command)"
        refused = self.deliver(third, fourth)
        self.assertRegex(refused.text, rf"^{dsn} ", refused)
        self.assertIn(said, refused.text)
        self.assertEqual((len(third.transactions), len(fourth.transactions)), (1, 1))

    @each({"before": (True,), "behind": (False,)})
    def test_hard_that_names_nobody_beside_a_dead_relay_defers(self, dead_first: bool) -> None:
        refusing, dead = self.relay("on rcpt: reply 550 5.7.1 refused"), self.dead(RefusedPort)
        hops = (dead, refusing) if dead_first else (refusing, dead)
        self.assert_deferred(self.deliver(*hops), words=("550 5.7.1 refused",))

    @each({f"{stage}_{name}": (stage, reply) for stage in ("mail", "rcpt", "dot") for name, reply in OF_THE_RELAY.items()
           if (stage, name) != ("mail", "storage")})
    def test_what_speaks_of_us_or_the_relay_never_bounces(self, stage: str, reply: str) -> None:
        script = f"on {stage}: reply {reply}"
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second)
        self.assertEqual(result.status, 0, result)
        self.assertEqual((len(first.accepted), len(second.accepted)), (0, 1))
        self.assertEqual(self.deliver(self.relay(script)).status, 75)

    @each(hard_rows(naming=True))
    def test_hard_stops_and_bounces(self, stage: str, script: str, reply: str, dsn: str) -> None:
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        said = f"host {first.name} said: {reply} (in reply to {COMMAND[stage]} command)"
        self.assert_bounced(result, dsn, words=(said,), dots=1 if stage == "dot" else 0)
        self.assert_untouched(second)

    @each({f"{code}_{stage}": (code, stage) for stage in ("mail", "rcpt", "data")
           for code in ("500", "502", "503", "504", "530", "535", "538", "555")})
    def test_5yz_that_speaks_of_the_session_never_bounces(self, code: str, stage: str) -> None:
        """Not authenticated, no TLS, command or parameter unknown: a fault of the configuration or of this program."""
        script = f"on {stage}: reply {code} 5.5.1 not like this"
        first, second = self.relay(script), self.relay()
        self.assert_sent(self.deliver(first, second), by=second)
        self.assert_deferred_alone(script)

    def assert_deferred_alone(self, script: str) -> None:
        relay = self.relay(script)
        result = self.deliver(relay)
        self.assertEqual(result.status, 75, result)
        self.assertEqual(relay.accepted, [])

    @each({stage: (stage,) for stage in ("mail", "data", "dot")})
    def test_too_big_for_this_relay_may_fit_the_next(self, stage: str) -> None:
        script = f"on {stage}: reply 552 5.3.4 message too big"
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        self.assertEqual(result.status, 0, result)
        self.assertEqual((len(first.accepted), len(second.accepted)), (0, 1))
        alone = self.deliver(self.relay(script), self.relay(script))
        self.assertEqual(alone.status, 69, alone)
        self.assertTrue(alone.text.startswith("5.3.4 "), alone)

    def test_soft_then_hard_is_hard(self) -> None:
        """The recipient does not exist at the relay that answered; the other one only had no time."""
        first, second = self.relay("on rcpt: reply 451 4.3.0 later"), self.relay("on rcpt: reply 550 5.1.1 unknown")
        self.assert_bounced(self.deliver(first, second), r"5\.1\.1", words=("550 5.1.1 unknown",))

    def test_dead_then_hard_is_hard(self) -> None:
        dead, second = self.dead(RefusedPort), self.relay("on rcpt: reply 550 5.1.1 unknown")
        self.assert_bounced(self.deliver(dead, second), r"5\.1\.1", words=("550 5.1.1 unknown",))

    def test_the_soft_reply_is_quoted_when_all_are_soft(self) -> None:
        relays = [self.relay("on rcpt: reply 450 4.2.1 mailbox busy"), self.relay("greeting-554")]
        self.assert_deferred(self.deliver(*relays), words=("450 4.2.1 mailbox busy", "(in reply to RCPT TO command)"))

    # -- unconfirmed --------------------------------------------------------------------------

    @each({"close": ("lost-before-dot-reply",), "reset": ("reset-before-dot-reply",), "silent": ("silent-dot",),
           "half": ("on dot: send 25 ; close",), "half_ok": ("on dot: send 250 2.0.0 Ok ; close",),
           "half_lines": (r"on dot: send 250-2.0.0 first\r\n ; close",),
           "half_lines_silent": (r"on dot: send 250-2.0.0 first\r\n ; silent",),
           "drip": ("on dot: drip 150ms ; reply 250 ${long-*20}",),
           "garbage": (r"on dot: send \xff\xfe\x00\x01 ; close",)})
    def test_no_reply_to_the_dot_stops_and_defers(self, script: str) -> None:
        """The relay may have the message: offering it to another one could deliver it twice."""
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        self.assert_deferred(result, r"4\.4\.2", words=(str(first.port),), dots=1)
        self.assert_untouched(second)

    @each({"3yz": ("354 go on",), "1yz": ("150 wait",), "000": ("000 zero",), "999": ("999 nine",)})
    def test_a_senseless_reply_to_the_dot_never_bounces_nor_succeeds(self, reply: str) -> None:
        first = self.relay(f"on dot: reply {reply} ; close")
        self.assert_deferred(self.deliver(first), dots=1)

    # -- replies that are out of place -----------------------------------------------------------

    @each({f"{stage}_{code}": (stage, code) for stage in ("mail", "rcpt") for code in ("354", "150", "000", "999")})
    def test_a_senseless_reply_to_a_command_never_bounces(self, stage: str, code: str) -> None:
        first, second = self.relay(f"on {stage}: reply {code} senseless"), self.relay()
        self.assert_sent(self.deliver(first, second), by=second)

    @each({"250": ("250 ok",), "220": ("220 hello",)})
    def test_2yz_to_data_is_no_permission_to_send(self, reply: str) -> None:
        first, second = self.relay(f"on data: reply {reply}"), self.relay()
        self.lawless_relays.add(first)    # what the client says to end such a session is its own affair
        result = self.deliver(first, second)
        self.assert_sent(result, by=second)
        self.assertEqual(first.dots, 0)

    # -- trouble inside the content --------------------------------------------------------------

    @each({"at_once_reset": ("on content: reset",), "at_once_close": ("on content: close",),
           "later": ("lost-in-content",), "far": ("on content after 2000000: reset",),
           "421": ("on content after 1000: reply 421 4.3.2 shutting down ; close",),
           "452": ("on content after 1000: reply 452 4.3.1 disk full ; reset",),
           "deaf": ("on content after 1000: deaf",)})
    def test_lost_in_the_content_goes_to_the_next_relay(self, script: str) -> None:
        """More than any socket buffer holds, so the dot cannot have left the program yet."""
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, message=large(), **limits_for(script, but=("data_done",)))
        self.assert_sent(result, by=second)
        self.assertEqual(first.dots, 0)
        self.assertEqual(content_of(second.accepted[0]), wire_form(large()))

    @each({"reset": ("on content: reset",), "close": ("on content: close",), "later": ("lost-in-content",)})
    def test_lost_in_a_small_content_is_never_sent_twice(self, script: str) -> None:
        """Content and dot may all stand in the socket buffer when the connection breaks. So the program may know that
        the dot never left (next relay) or may not (unconfirmed); it must not treat the second as the first."""
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, message=sample(10_000))
        if result.status == 0:
            self.assert_sent(result, by=second)
        else:
            self.assert_deferred(result, r"4\.4\.2")
            self.assert_untouched(second)

    def test_lost_in_the_content_alone_defers(self) -> None:
        relay = self.relay("lost-in-content")
        self.assert_deferred(self.deliver(relay, message=large()), r"4\.\d+\.\d+")

    # -- after acceptance nothing matters -----------------------------------------------------

    @each({"close": ("lost-after-dot-reply",), "reset": ("reset-after-dot-reply",), "silent_quit": ("silent-quit",),
           "quit_500": ("on quit: reply 500 5.5.1 what?",), "quit_421": ("on quit: reply 421 4.3.2 late ; close",),
           "quit_flood": ("on quit: flood 221-more",), "quit_garbage": ("on quit: garbage 5000",),
           "lines": (r"on dot: reply 250-2.0.0 first\r\n250 2.0.0 last",), "251": ("on dot: reply 251 2.0.0 fine",)})
    def test_acceptance_stays_acceptance(self, script: str) -> None:
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        self.assertEqual(result.status, 0, result)
        self.assertTrue(result.text.startswith(f"{first.name}: 25"), result)
        self.assertEqual((len(first.accepted), first.dots), (1, 1))
        self.assert_untouched(second)
        self.assertLess(result.seconds, 20)
