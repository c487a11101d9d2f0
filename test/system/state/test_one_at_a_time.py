"""One delivery at a time for a message, although Postfix begins another: the relay has it once."""

from __future__ import annotations

import os
import signal

from postfix_case import MESSAGE, FullSocket, PostfixStateCase
from state_case import StateCase
from support.machine import wait_until


class Restart(PostfixStateCase):
    """`postfix stop` ends pipe(8) but not the program it runs; after `postfix start` the message is delivered again."""

    def restart_at(self, event: str, arguments: str = ""):
        lab, relay, gate = self.postfix(f"on {event} connection 1: hold ; default", arguments)
        queue_id = lab.submit(MESSAGE, "user@example.com")
        first = gate.delivery()
        relay.wait_for(event)
        lab.stop()
        lab.start()
        return lab, relay, gate, queue_id, first

    def assert_once(self, lab, relay, queue_id) -> None:
        lab.wait_for_removal(queue_id)
        self.assertEqual(lab.deliveries(queue_id)[-1].status, "sent")
        self.assert_queue_empty(lab)
        self.assertEqual((relay.dots, len(relay.accepted)), (1, 1))

    def test_slow_before_the_dot(self) -> None:
        """The first one gives up before its dot, since nobody would hear of it; the second one sends it."""
        lab, relay, _, queue_id, first = self.restart_at("data")
        relay.release()
        first.wait_gone()
        self.assert_once(lab, relay, queue_id)

    def test_slow_after_the_dot(self) -> None:
        """The second one waits for the first, and takes over what the relay said to it."""
        lab, relay, gate, queue_id, first = self.restart_at("dot")
        gate.delivery()
        relay.release()
        first.wait_gone()
        self.assert_once(lab, relay, queue_id)
        self.assertIn("250 2.0.0", lab.deliveries(queue_id)[-1].text)
        lab.wait_for_log("an earlier delivery of this message, which did not hear of it, had it accepted")

    def test_slower_than_anybody_waits(self) -> None:
        """The second one waits a little, then the message stays in the queue; a later attempt learns the result."""
        lab, relay, _, queue_id, first = self.restart_at("dot", "-o duplicate_wait=1s")
        delivery = lab.wait_for_delivery(queue_id)
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", "4.3.0"), delivery)
        self.assertIn("an earlier delivery of this message is still running", delivery.text)
        relay.release()
        first.wait_gone()
        lab.wait_for_queue(queue_id, "deferred")
        lab.flush()
        self.assert_once(lab, relay, queue_id)

    def test_refused_after_the_dot(self) -> None:
        """What was no acceptance is not taken over: the second one sends the message itself."""
        lab, relay, gate = self.postfix("on dot connection 1: hold ; reply 451 4.3.0 not now")
        queue_id = lab.submit(MESSAGE, "user@example.com")
        first = gate.delivery()
        relay.wait_for("dot")
        lab.stop()
        lab.start()
        gate.delivery()
        relay.release()
        first.wait_gone()
        lab.wait_for_removal(queue_id)
        self.assertEqual((relay.dots, len(relay.accepted)), (2, 1))


class KilledAfterAcceptance(PostfixStateCase):
    TRIES = 20

    def test_the_next_delivery_takes_over_the_acceptance(self) -> None:
        """The program is killed when it has recorded the acceptance and still waits for the log, which is full: Postfix
        hears nothing of it."""
        log = FullSocket(self.directory / "full")
        self.addCleanup(log.close)
        lab, relay, gate = self.postfix("", f"-o syslog_socket={log.path}")
        file = lab.state / "messages.db"
        for sent in range(1, self.TRIES + 1):
            queue_id = lab.submit(MESSAGE, "user@example.com")
            helper = gate.delivery()
            wait_until(lambda: file.exists() and queue_id.encode() in file.read_bytes(), "the record")
            try:
                helper.send(signal.SIGKILL)
            except ProcessLookupError:    # it was faster, so it is tried with another message
                pass
            delivery = lab.wait_for_delivery(queue_id)
            if delivery.status == "deferred":
                break
        else:
            self.fail("no delivery was killed in time")
        self.assertIn("Command died with signal 9", delivery.text)
        lab.wait_for_queue(queue_id, "deferred")
        lab.flush()
        delivery = lab.wait_for_delivery(queue_id, 2)
        self.assertEqual(delivery.status, "sent", delivery)
        lab.wait_for_removal(queue_id)
        self.assertEqual(len(relay.accepted), sent, "the relay has the message twice")


class WithoutPostfix(StateCase):
    def test_ten_at_once_send_one(self) -> None:
        relay = self.counting(reply_delay=0.02)
        running = [self.begin(relay, name="SAME") for _ in range(10)]
        self.assert_all_sent([self.finish(delivery) for delivery in running])
        self.assertEqual(relay.recipients, {"SAME@example.net": 1})

    def test_killed_while_it_holds_the_lock(self) -> None:
        """The lock ends with its process: the next one does not wait for it."""
        relay = self.relay("on data connection 1: hold")
        first = self.begin(relay, name="SAME")
        relay.wait_for("data")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        result = self.one(relay, name="SAME", duplicate_wait="25s")
        self.assertEqual(result.status, 0, result)
        self.assertLess(result.seconds, 20)

    def test_other_messages_do_not_wait(self) -> None:
        relay = self.relay("on data connection 1: hold")
        first = self.begin(relay, name="HELD")
        relay.wait_for("data")
        self.assert_all_sent(self.at_once(10, relay, name="OTHER"))
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

    def test_two_recipients_of_one_message_go_side_by_side(self) -> None:
        """With relaypipe_destination_recipient_limit = 1 they are two deliveries with one queue id."""
        relay = self.counting()
        one, other = (self.start(relay, options=("--queue-id", "BOTH"), to=(f"{name}@example.net",))
                      for name in ("one", "other"))
        for delivery in (one, other):
            delivery.feed(b"Subject: x\n\nHello.\n")
            self.assertEqual(self.finish(delivery).status, 0)
        self.assertEqual(relay.recipients, {"one@example.net": 1, "other@example.net": 1})
