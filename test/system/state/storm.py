"""A storm of deliveries of which every second one is killed at some moment of its life."""

from __future__ import annotations

import collections
import heapq
import os
import random
import signal
import time
from typing import Any, Counter

from counting_relay import CountingRelay
from state_case import LONG, StateCase
from support.runs import Delivery, Result

COUNT = 2000 if LONG else 200
AT_A_TIME = 8
FILES = ["messages.db", "messages.db-journal", "owners.lock", "queue.lock", "state.db", "state.db-journal", "state.lock"]
SLOWEST = 15.0    # seconds for a delivery that was not killed; a wait for a dead one would go on for minutes
SEED = 7


def arrived(*relays: CountingRelay) -> Counter[str]:
    """How often each recipient's message was accepted."""
    return sum((relay.taken() for relay in relays), start=collections.Counter())


class StormCase(StateCase):
    def storm(self, *hops: Any, count: int = COUNT, **settings: Any) -> tuple[list[Result], list[str]]:
        """Deliveries of which every second one is to be killed: half of these at any moment of their lives, a quarter
        when a relay has just taken the message, and a quarter while they wait for the reply to its dot. Of the last
        none escapes; of the others those that are faster. Returns the results of those that lived and the names of
        those that did not."""
        moments = random.Random(SEED)
        usual = 0.05    # seconds that a delivery lives, which depends on what the machine does besides
        waiting = [f"Q{i}" for i in range(count)]
        running: dict[str, Delivery] = {}
        deaths: list[tuple[float, str]] = []
        late: set[str] = set()    # they die when a relay has their message
        silent: set[str] = set()
        for relay in self.countings:
            relay.behaviour.silent_for = silent
        lived: list[Result] = []
        killed: list[str] = []
        while waiting or running:
            while waiting and len(running) < AT_A_TIME:
                name = waiting.pop()
                chance = moments.random()
                if chance < 0.125:
                    silent.add(f"{name}@example.net")
                running[name] = self.begin(*hops, name=name, **settings)
                if chance < 0.25:
                    late.add(name)
                elif chance < 0.5:
                    heapq.heappush(deaths, (time.monotonic() + moments.uniform(0, 1.2 * usual), name))
            while deaths and deaths[0][0] <= time.monotonic():
                name = heapq.heappop(deaths)[1]
                if name in running:
                    os.kill(running[name].pid, signal.SIGKILL)
            there = arrived(*self.countings) if late else {}
            for name in [n for n in late if f"{n}@example.net" in there]:
                late.remove(name)
                os.kill(running[name].pid, signal.SIGKILL)
            for name in [n for n, delivery in running.items() if self.ended(delivery)]:
                result = running.pop(name).wait()
                late.discard(name)
                if result.status == -signal.SIGKILL:
                    killed.append(name)
                else:
                    lived.append(result)
                    usual += (result.seconds - usual) / 8
            time.sleep(0.002)    # the moments are times, so there is no condition to wait for
        silent.clear()
        return lived, killed

    @staticmethod
    def ended(delivery: Delivery) -> bool:
        return os.waitid(os.P_PID, delivery.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def assert_well(self, killed: list[str], lived: list[Result], *relays: CountingRelay) -> None:
        """Everything arrived: what was killed is delivered again, as Postfix would. Twice only what was killed."""
        self.assertGreater(len(killed), COUNT // 10, "hardly anything was killed")
        found = arrived(*relays)
        self.assertLess(max(r.seconds for r in lived), SLOWEST, "somebody waited")
        twice = {name.split("@")[0] for name, times in found.items() if times > 1}
        self.assertLessEqual(twice, set(killed))
        self.assertEqual(len(found), COUNT, "a message is missing")
        print(f"{len(killed)} of {COUNT} killed, {len(twice)} of them when a relay had it and nobody knew; "
              f"the slowest of the others took {max(r.seconds for r in lived):.2f} s")

    def deliver_again(self, killed: list[str], *hops: Any, **settings: Any) -> list[Result]:
        again = [self.one(*hops, name=name, **settings) for name in killed]
        self.assert_all_sent(again)
        return again

    def assert_store_is_well(self) -> None:
        """A kill is no damage: nothing was quarantined, and nothing was recreated."""
        self.assertEqual(sorted(path.name for path in self.state.iterdir()), FILES)
        self.assertEqual(self.whole_log("state: "), [])
