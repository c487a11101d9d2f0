"""A real Postfix, and somebody dies in the middle: `postfix stop`, lmtp(8), spawn(8) or relaypipe.

No message is lost, and none sent twice, except where relaypipe itself dies between the dot and its reply.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Callable

from lab_case import MESSAGE, LabCase, LmtpLab
from support import held_queue
from support.case import each
from support.machine import process_state, wait_until
from support.relays import Relay, content_of

LARGE = MESSAGE + b"0123456789abcdef 0123456789abcdef 0123456789abcdef 0123456789abcdef\n" * 300_000    # 20 MB
HOLD_DATA = "on data connection 1: hold ; default"
HOLD_DOT = "on dot connection 1: hold ; default"
Death = Callable[[LmtpLab], None]


def kill(pids: list[int]) -> None:
    """Returns when they are dead: what happens afterwards is to happen without them."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):    # it has ended by itself
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(process_state(pid) in ("", "Z") for pid in pids), "the deaths")


def kill_lmtp(lab: LmtpLab) -> None:
    kill(wait_until(lambda: lab.daemons("lmtp"), "lmtp(8)"))


def kill_spawn(lab: LmtpLab) -> None:
    kill(wait_until(lambda: lab.daemons("spawn"), "spawn(8)"))


def kill_relaypipe(lab: LmtpLab) -> None:
    kill(wait_until(lab.programs, "relaypipe"))


def stop(lab: LmtpLab) -> None:
    lab.stop()


SURVIVED = {"stop": (stop,), "lmtp": (kill_lmtp,), "spawn": (kill_spawn,)}
DEATHS = {**SURVIVED, "relaypipe": (kill_relaypipe,)}


class KilledTest(LabCase):
    def die(self, dialogue: str, event: str, death: Death, content: bytes = MESSAGE) -> Relay:
        """Something dies when the relay has reached the event; then Postfix goes on until the message is gone."""
        relay = self.relay(dialogue)
        self.lawless_relays.add(relay)    # what is cut off may end between CR and LF
        lab = self.lab(relay)
        queue_id = lab.submit(content, "user@example.com")
        relay.wait_for(event)
        death(lab)
        relay.release()
        if death is stop:
            lab.start()
        self.flush_until_gone(lab, queue_id)
        self.assertEqual(lab.deliveries(queue_id)[-1].status, "sent")
        return relay

    def assert_arrived_once(self, relay: Relay, content: bytes = MESSAGE) -> None:
        self.assertEqual(relay.dots, 1, "a relay was given the final dot more than once")
        (transaction,) = relay.accepted
        arrived = content_of(transaction).replace(b"\r\n", b"\n")
        self.assertTrue(arrived.endswith(content.partition(b"\n\n")[2]), "the content is not whole")

    @each(DEATHS)
    def test_before_the_content_ended(self, death: Death) -> None:
        """lmtp(8) is stopped while it feeds the message."""

        def stopped(lab: LmtpLab) -> None:
            (pid,) = lab.daemons("lmtp")
            os.kill(pid, signal.SIGSTOP)
            death(lab)
            if pid in lab.daemons("lmtp"):
                os.kill(pid, signal.SIGCONT)

        # The session is opened as soon as the header has come.
        relay = self.die("", "ehlo", stopped if death is not stop else stop, LARGE)
        self.assert_arrived_once(relay, LARGE)

    @each(DEATHS)
    def test_before_the_dot(self, death: Death) -> None:
        self.assert_arrived_once(self.die(HOLD_DATA, "data", death))

    @each(DEATHS)
    def test_while_the_content_is_sent(self, death: Death) -> None:
        dialogue = "on content connection 1 after 100000: hold"
        self.assert_arrived_once(self.die(dialogue, "content+100000", death, LARGE), LARGE)

    @each(SURVIVED)
    def test_between_the_dot_and_its_reply(self, death: Death) -> None:
        """relaypipe waits for the reply, and the next attempt has it."""
        self.assert_arrived_once(self.die(HOLD_DOT, "dot", death))

    def test_relaypipe_between_the_dot_and_its_reply(self) -> None:
        """The case nobody can help (RFC 5321 section 6.1)."""
        relay = self.die(HOLD_DOT, "dot", kill_relaypipe)
        self.assertEqual(relay.dots, 2)

    def test_relaypipe_while_it_is_idle(self) -> None:
        """lmtp(8) takes another connection; no delivery fails for it."""
        relay = self.relay()
        lab = self.lab(relay, lmtp_connection_cache_time_limit="1h", connection_cache_ttl_limit="1h")
        for _ in range(3):
            queue_id = lab.submit(MESSAGE, "user@example.com")
            lab.wait_for_removal(queue_id)
            self.assertEqual([each.status for each in lab.deliveries(queue_id)], ["sent"])
            kill_relaypipe(lab)
        self.assertEqual(len(relay.accepted), 3)


class UnderLoadTest(LabCase):
    MESSAGES = 120

    def load(self, trouble: Callable[[LmtpLab], None]) -> None:
        """A full queue, twenty at a time, in which something happens again and again. Each message arrives once."""
        relay = self.relay()
        lab = self.lab(relay, **held_queue.PARAMETERS)
        held_queue.fill(lab, self.MESSAGES, "user@example.com")
        held_queue.release(lab)
        lab.flush()
        for share in (4, 3, 2):
            wait_until(lambda: lab.log().count("status=sent") >= self.MESSAGES // share, "some deliveries")
            trouble(lab)

        def empty() -> bool:
            lab.flush()
            return "Mail queue is empty" in lab.command("postqueue", "-p")

        wait_until(empty, "an empty queue")
        lab.stop()
        wait_until(lambda: not lab.programs(), "the end of all processes")
        recipients = self.given(relay)
        self.assertEqual((len(recipients), len(set(recipients))), (self.MESSAGES, self.MESSAGES))

    def test_reload(self) -> None:
        self.load(lambda lab: lab.command("postfix", "reload") and None)

    def test_stop_and_start(self) -> None:
        def restart(lab: LmtpLab) -> None:
            lab.stop()
            lab.start()

        self.load(restart)

    def test_lmtp_and_spawn_are_killed(self) -> None:
        self.load(lambda lab: kill(lab.daemons("lmtp")[:3] + lab.daemons("spawn")[:3]))
