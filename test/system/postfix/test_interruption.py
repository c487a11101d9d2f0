"""Whatever dies in the middle: no relay takes a part of a message, and the whole message arrives once."""

from __future__ import annotations

import os
import signal
from typing import Callable

from postfix_case import MESSAGE, PostfixCase
from support.gate import Gate, Helper
from support.machine import process_state, wait_until
from support.mail_log import Delivery
from support.postfix import PostfixLab
from support.relays import Relay, content_of

LARGE = MESSAGE + b"0123456789abcdef 0123456789abcdef 0123456789abcdef 0123456789abcdef\n" * 300_000  # 20 MB
# After the death of pipe(8) master(8) and qmgr(8) would wait a minute before they try another one.
NO_PENALTY = {"service_throttle_time": "1s", "transport_retry_time": "1s", "message_size_limit": "0"}


class Interruption(PostfixCase):
    def begin(self, dialogue: str = "", arguments: str = "") -> tuple[PostfixLab, Relay, Gate]:
        """Postfix with one relay and the gate before the program."""
        relay = self.scripted(dialogue)
        gate = Gate(self.directory, self.binary)
        lab = self.postfix(relay, program=gate.program, parameters=NO_PENALTY, arguments=arguments)
        return lab, relay, gate

    def pipe_daemon(self, lab: PostfixLab) -> int:
        (pid,) = wait_until(lambda: lab.daemons("pipe"), "the pipe(8) process")
        return pid

    def kill_pipe(self, lab: PostfixLab) -> None:
        """Returns when it is dead: what happens afterwards is to happen without it."""
        pid = self.pipe_daemon(lab)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: process_state(pid) in ("", "Z"), "the death of pipe(8)")

    def retry(self, lab: PostfixLab, queue_id: str) -> None:
        """Another attempt now, once the queue manager has put the message aside."""
        lab.wait_for_queue(queue_id, "deferred")
        lab.flush()

    def assert_arrived_once(self, lab: PostfixLab, relay: Relay, queue_id: str, content: bytes) -> None:
        """Delivered in the end; one dot in all, so that every earlier attempt stopped before its own."""
        lab.wait_for_removal(queue_id)
        self.assert_delivery(lab.deliveries(queue_id)[-1], "sent", "2.0.0")
        self.assertEqual(relay.dots, 1, "a relay was given the final dot more than once")
        (transaction,) = relay.accepted
        arrived = content_of(transaction).replace(b"\r\n", b"\n")
        self.assertTrue(arrived.endswith(content.partition(b"\n\n")[2]), "the content is not whole")


class KilledWriter(Interruption):
    """pipe(8) dies while it feeds the message: stdin just ends."""

    def test_killed_before_the_program_reads(self) -> None:
        lab, relay, gate = self.begin()
        gate.shut()
        queue_id = lab.submit(LARGE, "user@example.com")
        helper = gate.stopped_delivery()
        helper.wait_pipe_full()
        self.kill_pipe(lab)
        gate.open()
        helper.send(signal.SIGCONT)
        helper.wait_gone()
        self.retry(lab, queue_id)
        self.assert_arrived_once(lab, relay, queue_id, LARGE)

    def test_killed_in_the_middle(self) -> None:
        lab, relay, gate = self.begin()
        gate.shut()
        queue_id = lab.submit(LARGE, "user@example.com")
        helper = gate.stopped_delivery()
        gate.open()
        self.read_one_pipe(lab, helper)
        self.kill_pipe(lab)
        helper.wait_gone()
        self.retry(lab, queue_id)
        self.assert_arrived_once(lab, relay, queue_id, LARGE)

    def test_stop_in_the_middle(self) -> None:
        """An ordinary `postfix stop`, as restarts and upgrades do it; then start."""
        lab, relay, gate = self.begin()
        gate.shut()
        queue_id = lab.submit(LARGE, "user@example.com")
        helper = gate.stopped_delivery()
        gate.open()
        self.read_one_pipe(lab, helper)
        helper.send(signal.SIGSTOP)
        helper.wait_stopped()
        os.kill(self.pipe_daemon(lab), signal.SIGCONT)
        helper.wait_pipe_full()
        lab.stop()
        helper.send(signal.SIGCONT)
        helper.wait_gone()
        lab.start()
        self.assert_arrived_once(lab, relay, queue_id, LARGE)

    def read_one_pipe(self, lab: PostfixLab, helper: Helper) -> None:
        """Lets the program read what is in the pipe while pipe(8) is stopped and cannot add to it."""
        helper.wait_pipe_full()
        os.kill(self.pipe_daemon(lab), signal.SIGSTOP)
        helper.send(signal.SIGCONT)
        helper.wait_pipe_empty()


class WriterGoneBeforeTheDot(Interruption):
    """The whole message was read, but pipe(8) is gone before the dot: the next attempt would be a second copy."""

    def interrupt(self, dialogue: str, event: str, content: bytes, kill: Callable[[PostfixLab], None],
                  resume: Callable[[PostfixLab, str], None]) -> None:
        lab, relay, gate = self.begin(dialogue)
        queue_id = lab.submit(content, "user@example.com")
        helper = gate.delivery()
        relay.wait_for(event)
        kill(lab)
        relay.release()
        helper.wait_gone()
        resume(lab, queue_id)
        self.assert_arrived_once(lab, relay, queue_id, content)

    def test_killed_while_the_relay_thinks_about_data(self) -> None:
        self.interrupt("on data connection 1: hold ; default", "data", MESSAGE, self.kill_pipe, self.retry)

    def test_killed_while_the_content_is_sent(self) -> None:
        dialogue = "on content connection 1 after 100000: hold"
        self.interrupt(dialogue, "content+100000", LARGE, self.kill_pipe, self.retry)

    def test_stop_while_the_relay_thinks_about_data(self) -> None:
        self.interrupt("on data connection 1: hold ; default", "data", MESSAGE,
                       lambda lab: lab.stop(), lambda lab, _: lab.start())

    def test_restart_does_not_send_a_second_copy(self) -> None:
        """After `start` Postfix delivers again while the old delivery still runs."""
        self.interrupt("on data connection 1: hold ; default", "data", MESSAGE,
                       self.restart, lambda lab, _: None)

    def restart(self, lab: PostfixLab) -> None:
        lab.stop()
        lab.start()


class KilledProgram(Interruption):
    def attempt(
        self, dialogue: str, event: str, act: Callable[[Helper, Relay], None]
    ) -> tuple[PostfixLab, Relay, Delivery]:
        """One delivery in which something happens to the program when the relay has reached the event."""
        lab, relay, gate = self.begin(dialogue)
        queue_id = lab.submit(MESSAGE, "user@example.com")
        helper = gate.delivery()
        relay.wait_for(event)
        act(helper, relay)
        return lab, relay, lab.wait_for_delivery(queue_id)

    def test_terminated_before_the_dot(self) -> None:
        lab, relay, delivery = self.attempt(
            "on data connection 1: hold ; default", "data", lambda helper, _: helper.send(signal.SIGTERM))
        self.assertEqual((delivery.status, delivery.dsn[:2]), ("deferred", "4."), delivery)
        relay.release()
        self.retry(lab, delivery.queue_id)
        self.assert_arrived_once(lab, relay, delivery.queue_id, MESSAGE)

    def test_terminated_after_the_dot(self) -> None:
        """The relay may already have accepted, so giving up now would make a second copy: the reply is awaited."""

        def act(helper: Helper, relay: Relay) -> None:
            helper.send(signal.SIGTERM)
            relay.release()

        lab, relay, delivery = self.attempt("on dot: hold ; default", "dot", act)
        self.assert_arrived_once(lab, relay, delivery.queue_id, MESSAGE)
        self.assertEqual(len(lab.deliveries(delivery.queue_id)), 1)

    def test_killed_after_acceptance(self) -> None:
        """The one case nobody can help (RFC 5321 section 6.1): accepted, but Postfix never learns it. Two copies."""

        def act(helper: Helper, relay: Relay) -> None:
            helper.send(signal.SIGSTOP)
            helper.wait_stopped()
            relay.release()
            relay.wait_for("dot done")
            helper.send(signal.SIGKILL)

        lab, relay, delivery = self.attempt("on dot connection 1: hold ; default", "dot", act)
        self.assert_delivery(delivery, "deferred", "4.3.0", "Command died with signal 9")
        self.retry(lab, delivery.queue_id)
        lab.wait_for_removal(delivery.queue_id)
        self.assertEqual(len(relay.accepted), 2)


class DamagedQueueFile(Interruption):
    def test_a_part_of_the_content_is_not_relayed(self) -> None:
        """Here pipe(8) itself ends stdin early and stays alive; only the announced size tells."""
        content = MESSAGE + b"0123456789abcdef\n" * 60_000
        lab, relay, _ = self.begin("on greeting connection 1: reply 421 4.3.2 later ; close")
        queue_id = lab.submit(content, "user@example.com")
        lab.wait_for_queue(queue_id, "deferred")
        (path,) = (lab.queue / "deferred").rglob(queue_id)
        data = bytearray(path.read_bytes())
        data[data.index(b"N\x100123456789abcdef", len(data) // 2)] = ord("?")  # no such record type
        with path.open("r+b") as file:
            file.write(data)
        lab.flush()
        wait_until(lambda: len(lab.deliveries(queue_id)) > 1 or lab.queued(queue_id) == "corrupt", "the second attempt")
        self.assertEqual(relay.dots, 0)
