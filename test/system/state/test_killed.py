"""kill -9: what the dead had taken comes back, nobody waits for them, and nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from typing import Optional

from counting_relay import CountingRelay
from state_case import StateCase
from storm import SLOWEST, StormCase
from support.machine import wait_until
from support.relays import RefusedPort
from support.runs import Delivery


class Storm(StormCase):
    def test_nothing_is_lost_and_nobody_waits(self) -> None:
        dead, relay = self.dead(RefusedPort), self.counting()
        settings = {"cool_down": "1s", "cool_down_max": "1s"}    # so that there are probes to be killed, too
        lived, killed = self.storm(dead, relay, **settings)
        self.assert_all_sent(lived)
        again = self.deliver_again(killed, dead, relay, **settings)
        self.assert_well(killed, lived + again, relay)
        taken_over = [r for r in again if "an earlier delivery of this message" in r.text]
        print(f"{len(taken_over)} had been accepted before the death, and were not sent again")
        self.assert_store_is_well()


class DeadHolders(StateCase):
    """The same for one process at a chosen moment."""

    SHORT = {"cool_down": "1s", "cool_down_max": "1s", "patience": "30s"}

    def test_a_killed_prober_is_replaced_at_once(self) -> None:
        dead, relay = self.dead(RefusedPort), self.counting()
        self.one(dead, relay, name="FIRST", **self.SHORT)
        dead.stop()
        first = self.counting(port=dead.port, greets=False)
        for number in range(3):
            prober = self.prober(first, relay, number)
            os.kill(prober.pid, signal.SIGKILL)
            prober.wait()
            first.wait_for(lambda r: all(s.ended for s in r.sessions), "the end of the killed one's session")
        first.greet_now()
        result = self.one(first, relay, name="LAST", **self.SHORT)
        self.assertIn(first.name, result.text)

    def prober(self, first: CountingRelay, relay: CountingRelay, number: int) -> Delivery:
        """A delivery that looks whether the first relay is well again. Only the first one has to wait for the rest."""
        found: Optional[Delivery] = None
        tries = 0
        while found is None:
            before, accepted = len(first.sessions), len(relay.accepted)
            delivery = self.begin(first, relay, name=f"P{number}-{tries}", **self.SHORT)
            wait_until(lambda: len(first.sessions) > before or len(relay.accepted) > accepted, "one of the relays")
            if len(first.sessions) > before:
                found = delivery
            else:
                self.assertEqual(self.finish(delivery).status, 0)
                self.assertEqual(number, 0, "the dead one's probe was not free")
            tries += 1
        return found

    def test_a_killed_look_at_a_stranger_does_not_keep_others_away(self) -> None:
        first, relay = self.counting(greets=False), self.counting()
        looking = self.begin(first, relay, name="LOOKS", patience="30s")
        first.wait_for(lambda r: r.sessions, "the first session")
        os.kill(looking.pid, signal.SIGKILL)
        looking.wait()
        first.greet_now()
        self.assertIn(first.name, self.one(first, relay, name="NEXT").text)

    def test_a_stopped_process_delays_nobody_for_long(self) -> None:
        """SIGSTOP in the middle of everything, which frees nothing: the others give up waiting for its lock."""
        relay = self.counting()
        # Of a relay that was never ready, three that hang keep the others away; that is another test's.
        self.assert_all_sent([self.one(relay, name="KNOWN")])
        stopped = []
        for i in range(20):
            delivery = self.begin(relay, name=f"S{i}")
            time.sleep(0.002 * i)    # a moment, not a wait
            os.kill(delivery.pid, signal.SIGSTOP)
            stopped.append(delivery)
        results = self.at_once(10, relay, name="OTHER")
        self.assert_all_sent(results)
        self.assertLess(max(result.seconds for result in results), SLOWEST)
        for delivery in stopped:
            os.kill(delivery.pid, signal.SIGCONT)
            self.assertEqual(delivery.wait().status, 0)
