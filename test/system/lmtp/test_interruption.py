"""Whatever dies in the middle: no dot to a relay where lmtp(8) is gone, and nothing is lost or sent twice.

A hang-up is what the death of lmtp(8), `postfix stop` and the end of Postfix's patience look like from here.
"""

from __future__ import annotations

import signal
from typing import Callable

from lmtp_case import LmtpCase
from support.case import MESSAGE, each
from support.lmtp_program import DOT, LmtpProgram
from support.relays import Relay, content_of
from support.wire import sample, wire_form

LARGE = sample(3_000_000)
QUEUE_ID = "4QLOST"
RECIPIENT = "rcpt@example.net"
End = Callable[[LmtpProgram], None]


def hang_up(program: LmtpProgram) -> None:
    program.hang_up()


def kill(program: LmtpProgram) -> None:
    program.signal(signal.SIGKILL)
    program.wait()


ENDS = {"client_gone": (hang_up, 0), "program_killed": (kill, -signal.SIGKILL)}


class InterruptionCase(LmtpCase):
    def again(self, relay: Relay, content: bytes = MESSAGE) -> list[str]:
        """What Postfix does next: the same message over a new connection."""
        return self.send(self.lmtp(relay), RECIPIENT, queue_id=QUEUE_ID, content=content)

    def assert_arrived_once(self, relay: Relay, content: bytes = MESSAGE) -> None:
        self.assertEqual(relay.dots, 1, "a relay was given the final dot more than once, or never")
        (transaction,) = relay.accepted
        self.assertEqual(content_of(transaction), wire_form(content))


class BeforeTheContentEnds(InterruptionCase):
    @each({f"{name}_{where}": (end, status, octets) for name, (end, status) in ENDS.items()
           for where, octets in {"at_once": 0, "in_the_header": 20, "in_the_content": 1_000_000,
                                 "before_the_dot": len(wire_form(LARGE))}.items()})
    def test_nothing_is_committed(self, end: End, status: int, octets: int) -> None:
        relay = self.relay()
        program = self.lmtp(relay)
        program.begin(RECIPIENT, queue_id=QUEUE_ID)
        program.send(wire_form(LARGE)[:octets])
        if octets > 20:
            relay.wait_for("ehlo")    # it is opened while the message comes
        end(program)
        self.assertEqual(program.wait(), status)
        self.assert_sent(self.again(relay, LARGE), by=relay)
        self.assert_arrived_once(relay, LARGE)

    def test_behind_a_half_dot(self) -> None:
        """CRLF, dot and CR are no end of data."""
        relay = self.relay()
        program = self.lmtp(relay)
        program.begin(RECIPIENT, queue_id=QUEUE_ID)
        program.send(wire_form(MESSAGE) + b".\r")
        hang_up(program)
        self.assertEqual(program.wait(), 0)
        self.assertEqual(relay.transactions, [])

    @each({"nothing": ((),), "lhlo": (("LHLO lab.example",),), "mail": (("LHLO lab.example", "MAIL FROM:<a@example.org>"),),
           "rcpt": (("LHLO lab.example", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"),)})
    def test_before_data(self, lines: tuple[str, ...]) -> None:
        relay = self.relay()
        program = self.greeted(relay)
        program.say(*lines)
        self.assert_ends_well(program)
        self.assertEqual(relay.dots, 0)


class BeforeTheDot(InterruptionCase):
    """All of the message is here, and the relay is asked; the client goes before the dot does."""

    def interrupt(self, dialogue: str, event: str, end: End, status: int, content: bytes) -> None:
        relay = self.relay(dialogue)
        self.lawless_relays.add(relay)    # what is cut off may end between CR and LF
        program = self.lmtp(relay)
        program.begin(RECIPIENT, queue_id=QUEUE_ID)
        program.send(wire_form(content) + DOT)
        relay.wait_for(event)
        end(program)
        relay.release()
        self.assertEqual(program.wait(), status)
        self.assert_sent(self.again(relay, content), by=relay)
        self.assert_arrived_once(relay, content)

    @each(ENDS)
    def test_while_the_relay_thinks_about_data(self, end: End, status: int) -> None:
        self.interrupt("on data connection 1: hold ; default", "data", end, status, MESSAGE)

    @each(ENDS)
    def test_while_the_content_is_sent(self, end: End, status: int) -> None:
        self.interrupt("on content connection 1 after 100000: hold", "content+100000", end, status, sample(20_000_000))

    @each(ENDS)
    def test_while_the_relay_greets(self, end: End, status: int) -> None:
        self.interrupt("on greeting connection 1: hold ; default", "greeting", end, status, MESSAGE)

    def test_in_a_kept_session(self) -> None:
        relay = self.relay("on data nth 2 connection 1: hold ; default")
        program = self.lmtp(relay)
        self.assert_sent(self.send(program), by=relay)
        program.begin(RECIPIENT, queue_id=QUEUE_ID)
        program.send(wire_form(MESSAGE) + DOT)
        relay.wait_for("data")
        relay.wait_for("data")
        hang_up(program)
        relay.release()
        self.assertEqual(program.wait(), 0)
        self.assertEqual(relay.dots, 1)

    def test_sigterm_defers(self) -> None:
        relay = self.relay("on data connection 1: hold ; default")
        program = self.lmtp(relay)
        program.begin(RECIPIENT, queue_id=QUEUE_ID)
        program.send(wire_form(MESSAGE) + DOT)
        relay.wait_for("data")
        program.signal(signal.SIGTERM)
        self.assert_codes([program.reply()], "451 4.")
        self.assertTrue(program.has_ended())
        self.assertEqual(program.wait(), 0)
        relay.release()
        self.assert_sent(self.again(relay), by=relay)
        self.assert_arrived_once(relay)


class BetweenTheDotAndItsReply(InterruptionCase):
    """Now the relay may have it. Nobody gives up before its reply, and what it says is not forgotten."""

    def begin(self, dialogue: str = "on dot connection 1: hold ; default") -> tuple[LmtpProgram, Relay]:
        relay = self.relay(dialogue)
        program = self.lmtp(relay)
        program.begin(RECIPIENT, queue_id=QUEUE_ID)
        program.send(wire_form(MESSAGE) + DOT)
        relay.wait_for("dot")
        return program, relay

    def test_the_client_is_gone(self) -> None:
        """The next attempt of Postfix has the relay's reply, and the relay no second copy."""
        program, relay = self.begin()
        hang_up(program)
        relay.release()
        self.assertEqual(program.wait(), 0)
        self.assert_codes(self.again(relay), "250 2.0.0 ")
        self.assert_arrived_once(relay)

    def test_the_client_comes_back_while_the_first_waits(self) -> None:
        """`postfix stop` and `start`: the second process waits for the first, and takes over its result."""
        program, relay = self.begin()
        hang_up(program)
        other = self.lmtp(relay)
        other.begin(RECIPIENT, queue_id=QUEUE_ID)
        other.send(wire_form(MESSAGE) + DOT)
        relay.release()
        self.assert_codes([other.reply()], "250 2.0.0 ")
        self.assertEqual(program.wait(), 0)
        self.assert_arrived_once(relay)

    def test_the_client_is_gone_and_the_relay_refuses(self) -> None:
        program, relay = self.begin("on dot connection 1: hold ; reply 451 4.3.0 disk full")
        hang_up(program)
        relay.release()
        self.assertEqual(program.wait(), 0)
        self.assert_sent(self.again(relay), by=relay)
        self.assertEqual((relay.dots, len(relay.accepted)), (2, 1))

    @each({"term": (signal.SIGTERM,), "hup": (signal.SIGHUP,), "usr1": (signal.SIGUSR1,), "alrm": (signal.SIGALRM,)})
    def test_a_signal_waits_for_the_reply(self, number: signal.Signals) -> None:
        program, relay = self.begin()
        program.signal(number)
        relay.release()
        self.assert_sent([program.reply()], by=relay)
        self.assertTrue(program.has_ended())
        self.assertEqual(program.wait(), 0)
        self.assert_arrived_once(relay)

    def test_killed(self) -> None:
        """The one case nobody can help (RFC 5321 section 6.1): the relay has it, and no one here knows. Two copies."""
        program, relay = self.begin()
        kill(program)
        relay.release()
        relay.wait_for("dot done")
        self.assert_sent(self.again(relay), by=relay)
        self.assertEqual(relay.dots, 2)


class SeveralRecipients(InterruptionCase):
    def test_gone_between_two_relays(self) -> None:
        """One relay has it for some, who are not sent it again; the next relay was not given the dot for the rest."""
        first = self.relay("on rcpt to b@*: reply 451 4.3.0 not now")
        second = self.relay("on data connection 1: hold ; default")
        program = self.lmtp(first, second)
        program.begin("a@example.net", "b@example.net", queue_id=QUEUE_ID)
        program.send(wire_form(MESSAGE) + DOT)
        second.wait_for("data")
        hang_up(program)
        second.release()
        self.assertEqual(program.wait(), 0)
        replies = self.send(self.lmtp(first, second), "a@example.net", "b@example.net", queue_id=QUEUE_ID)
        self.assert_codes(replies, "250 2.0.0 ", f"250 2.0.0 {second.name}")
        self.assertEqual((self.given(first), self.given(second)), (["a@example.net"], ["b@example.net"]))
