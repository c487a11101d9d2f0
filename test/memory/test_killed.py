"""kill -9 at random moments: what the dead had taken comes back, nobody waits for them, and nothing is lost."""

from __future__ import annotations

import heapq
import os
import random
import signal
import time
from typing import Any, Optional

from counting_relay import CountingRelay
from lab import RefusedPort
from memory_case import LONG, MemoryCase
from pipe_run import Delivery, Result
from support import wait_until

COUNT = 2000 if LONG else 200
AT_A_TIME = 8
SLOWEST = 15.0    # seconds for a delivery that was not killed; a wait for a dead one would go on for minutes
SEED = 7


class Storm(MemoryCase):
    def storm(self, *hops: Any, count: int = COUNT, **settings: Any) -> tuple[list[Result], list[str]]:
        """Deliveries of which every second one is killed at some moment of its life, or tried to be: it may have ended
        before. Returns the results of those that lived and the names of those that did not."""
        moments = random.Random(SEED)
        usual = 0.05    # seconds that a delivery lives, which depends on what the machine does besides
        waiting = [f"Q{i}" for i in range(count)]
        running: dict[str, Delivery] = {}
        deaths: list[tuple[float, str]] = []
        lived: list[Result] = []
        killed: list[str] = []
        while waiting or running:
            while waiting and len(running) < AT_A_TIME:
                name = waiting.pop()
                running[name] = self.begin(*hops, name=name, **settings)
                if moments.random() < 0.5:
                    heapq.heappush(deaths, (time.monotonic() + moments.uniform(0, 1.2 * usual), name))
            while deaths and deaths[0][0] <= time.monotonic():
                name = heapq.heappop(deaths)[1]
                if name in running:
                    os.kill(running[name].pid, signal.SIGKILL)
            for name in [n for n, delivery in running.items() if self.ended(delivery)]:
                result = running.pop(name).wait()
                if result.status == -signal.SIGKILL:
                    killed.append(name)
                else:
                    lived.append(result)
                    usual += (result.seconds - usual) / 8
            time.sleep(0.002)    # the moments are times, so there is no condition to wait for
        return lived, killed

    @staticmethod
    def ended(delivery: Delivery) -> bool:
        return os.waitid(os.P_PID, delivery.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def assert_well(self, killed: list[str], lived: list[Result], *relays: CountingRelay) -> None:
        """Everything arrived: what was killed is delivered again, as Postfix would. Twice only what was killed."""
        self.assertGreater(len(killed), COUNT // 10, "hardly anything was killed")
        arrived = sum((relay.recipients for relay in relays), start=type(relays[0].recipients)())
        self.assertLess(max(r.seconds for r in lived), SLOWEST, "somebody waited")
        twice = {name.split("@")[0] for name, times in arrived.items() if times > 1}
        self.assertLessEqual(twice, set(killed))
        self.assertEqual(len(arrived), COUNT, "a message is missing")
        print(f"{len(killed)} of {COUNT} killed, {len(twice)} of them when a relay had it and nobody knew; "
              f"the slowest of the others took {max(r.seconds for r in lived):.2f} s")

    def deliver_again(self, killed: list[str], *hops: Any, **settings: Any) -> list[Result]:
        again = [self.one(*hops, name=name, **settings) for name in killed]
        self.assert_all_sent(again)
        return again

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

    def assert_store_is_well(self) -> None:
        """A kill is no damage: nothing was put aside, and nothing was begun anew."""
        self.assertEqual(sorted(path.name for path in self.state.iterdir()), ["queue.lock", "state.lock", "state.mdb"])
        self.assertEqual(self.whole_log("memory: "), [])


class DeadHolders(MemoryCase):
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
