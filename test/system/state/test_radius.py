"""One message, one sender, one connection that hangs: none of them takes a relay from everybody."""

from __future__ import annotations

import os
import signal
import time

from counting_relay import CountingRelay
from state_case import StateCase
from support.machine import wait_until
from support.relays import RefusedPort

MANY = 20    # as many as Postfix starts at a time
LOOKS = 3    # that may wait for a silent relay


class OneMessage(StateCase):
    OTHERS = 10

    def test_421_at_its_dot(self) -> None:
        relay = self.counting(breaks_for={"POISON@example.net"})
        for retry in range(4):
            result = self.one(relay, name="POISON")
            self.assertIn("421 4.3.2", result.text)
            self.assert_all_sent(self.at_once(self.OTHERS, relay, name=f"R{retry}-"))

    def test_reset_at_its_dot(self) -> None:
        relay = self.counting(breaks_for={"POISON@example.net"}, dot_lost=True)
        for retry in range(4):
            self.assertEqual(self.one(relay, name="POISON").status, 75)
            self.assert_all_sent(self.at_once(self.OTHERS, relay, name=f"R{retry}-"))

    def test_its_next_relay_gets_it(self) -> None:
        first, second = self.counting(breaks_for={"POISON@example.net"}), self.counting()
        self.assertIn(second.name, self.one(first, second, name="POISON").text)
        self.assert_all_sent(self.at_once(self.OTHERS, first, second))
        self.assertEqual((len(first.accepted), len(second.accepted)), (self.OTHERS, 1))

    def test_one_sender(self) -> None:
        """However many messages of one sender are broken off, the mail of others goes on."""
        bulk = {f"BULK{i}@example.net" for i in range(8)}
        first, second = self.counting(breaks_for=bulk), self.counting()
        for i in range(8):
            self.one(first, second, name=f"BULK{i}", sender="bulk@example.com")
        self.assertEqual(len(first.sessions), 3, "its sender's mail does not go there any more")
        self.assertIn(first.name, self.one(first, second, name="OTHER", sender="other@example.com").text)

    def test_every_message(self) -> None:
        """Different messages of different senders, with nothing accepted in between: that is the relay."""
        broken = {f"M{i}@example.net" for i in range(8)}
        first, second = self.counting(breaks_for=broken), self.counting()
        for i in range(8):
            self.one(first, second, name=f"M{i}", sender=f"s{i}@example.com")
        self.assertEqual(len(first.sessions), 3)

    def test_a_domain_that_is_not_relayed_to(self) -> None:
        relay = self.counting(denied_domains={"other.example"})
        for retry in range(3):
            result = self.one(relay, name="DENIED", to=("x@other.example",))
            self.assertEqual(result.status, 75, result)
            self.assert_all_sent(self.at_once(self.OTHERS, relay, name=f"R{retry}-"))
        self.assertEqual(len(relay.sessions), 1 + 3 * self.OTHERS, "that domain's mail is not offered there for a while")


class AnnouncesWhatItCannotDo(StateCase):
    """A relay that announces PIPELINING and loses what comes together."""

    def setUp(self) -> None:
        super().setUp()
        self.configure(f'state_directory = "{self.state}"\n')

    def test_one_message_finds_it_out(self) -> None:
        relay = self.relay("forgetful on")
        first = self.one(relay, name="FIRST", rcpt_timeout="1s")
        self.assertEqual(first.status, 75, first)
        self.assertIsNotNone(self.relay_status(relay.destination)["one_by_one_until"])
        self.assertIn("PIPELINING is not used for 23h", self.tool("status"))
        second = self.one(relay, name="SECOND")
        self.assertEqual(second.status, 0, second)
        relay.stop()
        self.assertEqual([len(c["transactions"]) for c in relay.connections], [1, 1])

    def test_a_relay_that_answers_keeps_it(self) -> None:
        """What is refused, or is lost after the commands were answered, says nothing of PIPELINING."""
        for script in ("on rcpt: reply 451 4.7.1 try later", "on mail: reply 421 4.3.2 going down ; close", "on content: reset"):
            with self.subTest(script):
                relay = self.relay(script)
                self.assertEqual(self.one(relay, name="A").status, 75)
                self.assertIsNone(self.relay_status(relay.destination)["one_by_one_until"])


class SilentRelay(StateCase):
    def test_it_takes_few_processes(self) -> None:
        tarpit = self.counting(greets=False)
        running = [self.begin(tarpit, name=f"T{i}") for i in range(MANY + 5)]
        ended: list[int] = []

        def most_have_ended() -> bool:
            ended[:] = [d.pid for d in running if not alive(d.pid)]
            return len(ended) >= len(running) - LOOKS

        wait_until(most_have_ended, "the deferral of all but a few")
        self.assertLessEqual(len(tarpit.sessions), LOOKS)
        for delivery in running:
            if delivery.pid in ended:
                self.assertEqual(self.finish(delivery).status, 75)
            else:
                os.kill(delivery.pid, signal.SIGKILL)
                delivery.wait()

    def test_the_next_relay_has_the_mail(self) -> None:
        tarpit, relay = self.counting(greets=False), self.counting()
        self.assert_all_sent(self.at_once(MANY, tarpit, relay))
        self.assertLessEqual(len(tarpit.sessions), LOOKS)
        self.assertEqual(len(relay.accepted), MANY)

    def test_a_slow_greeting_is_not_silence(self) -> None:
        """A cold start: the first relay needs a while to greet, the second none, and nothing is known of either."""
        first, second = self.counting(greeting_delay=1.5), self.counting()
        self.assert_all_sent(self.at_once(MANY, first, second, patience="20s"))
        self.assertEqual((len(first.accepted), len(second.sessions)), (MANY, 0))

    def test_a_pause(self) -> None:
        """A relay that is known pauses while many deliveries dial it; then it is as well as it was."""
        first, second = self.counting(), self.counting()
        self.one(first, second, name="FIRST")
        first.behaviour.greets = False
        running = [self.begin(first, second, name=f"P{i}", patience="20s") for i in range(MANY)]
        first.wait_for(lambda r: len(r.sessions) == 1 + MANY, "all of them")
        time.sleep(0.6)    # the relay's own pause
        first.greet_now()
        self.assert_all_sent([self.finish(delivery) for delivery in running])
        before = len(first.accepted)
        self.assert_all_sent(self.at_once(MANY, first, second, name="AFTER", patience="20s"))
        self.assertEqual(len(first.accepted), before + MANY)


class ComesBack(StateCase):
    SHORT = {"cool_down": "1s", "cool_down_max": "1s"}

    def down(self, **behaviour: int) -> CountingRelay:
        """A relay that was refused, and has rested since."""
        dead = self.dead(RefusedPort)
        self.assertEqual(self.one(dead, name="DOWN", **self.SHORT).status, 75)
        dead.stop()
        relay = self.counting(port=dead.port, **behaviour)
        self.configure(f'state_directory = "{self.state}"\n')
        wait_until(lambda: self.relay_status(relay.destination)["state"] == "due", "the end of its rest")
        self.configuration = ()
        return relay

    def test_whoever_comes_beside_the_probe_waits_for_it(self) -> None:
        relay = self.down(greeting_delay=0.3)
        self.assert_all_sent(self.at_once(MANY, relay, max_wait="30s", patience="20s", **self.SHORT))
        self.assertEqual(len(relay.accepted), MANY)

    def test_a_probe_that_is_swallowed_holds_nobody_for_long(self) -> None:
        relay = self.down(swallows=1)
        swallowed = self.begin(relay, name="SWALLOWED", **self.SHORT)
        relay.wait_for(lambda r: r.sessions, "the probe")
        self.assert_all_sent(self.at_once(MANY, relay, max_wait="30s", **self.SHORT))
        self.assertTrue(alive(swallowed.pid), "it still waits for its greeting")
        os.kill(swallowed.pid, signal.SIGKILL)
        swallowed.wait()

    def test_a_changed_setting_ends_the_rest(self) -> None:
        dead = self.dead(RefusedPort)
        self.assertEqual(self.one(dead, name="DOWN").status, 75)
        dead.stop()
        relay = self.counting(port=dead.port)
        self.assertEqual(self.one(relay, name="RESTS").status, 75)
        self.assertEqual(self.one(relay, name="CHANGED", hostname="other.example").status, 0)


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended waits for its parent as a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
