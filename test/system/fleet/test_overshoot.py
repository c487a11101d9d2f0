"""How far a fleet passes its quota when its store is in trouble: never further than relaypipe-fleet(8) says, as a number.

With `share` a host may use, beyond its slice, what was left of the quota at its last answer, divided by the hosts it knew of
then. So once the store is in trouble for all hosts, no more is sent than

    used + sum of (quota - used at a host's last answer) / (hosts it knew of)

where `used` is what was used or granted at the latest of these answers. Where some hosts still reach the store, these may
have the whole quota, and the sum is that of the others. All of it is in what `status` shows of each host before the trouble.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from fleet_case import LONG, STORE, FleetCase, Host
from support.case import each
from support.redis_store import StoreServer

HOSTS, QUOTA = (10, 1000) if LONG else (4, 100)
STORM_HOSTS, STORM = (10, 4000) if LONG else (4, 160)


@dataclass(frozen=True)
class Known:
    """What a host has had as its last answer."""

    used: int     # of the quota, by all hosts, or granted to them
    hosts: int

    def beyond(self, quota: int) -> int:
        """What it may use beyond its slice until the next one."""
        return max(0, quota - self.used) // self.hosts


def most_sent(quota: int, known: list[Known]) -> int:
    """By all hosts together, if no answer came after these."""
    return max(one.used for one in known) + sum(one.beyond(quota) for one in known)


class OvershootCase(FleetCase):
    def known(self, host: Host) -> Known:
        relay = self.relay_status(host)
        return Known(relay["slices"][0]["fleet_used"], relay["hosts"])

    def use_up(self, hosts: list[Host]) -> None:
        """Sends, over one host after the other, until each was refused twice in a row."""
        for host in hosts:
            refused = 0
            for _ in range(2 * QUOTA):
                refused = 0 if self.sent(host) else refused + 1
                if refused == 2:
                    break

    def cut_off(self, hosts: list[Host]) -> None:
        """Packets of these hosts to the store leave, and nobody answers."""
        for host in hosts:
            assert host.machine
            host.machine.cut_off(STORE)


class Trouble(OvershootCase):
    def begin_unevenly(self, store: StoreServer) -> list[Host]:
        """Hosts that know of each other; the first had its last answer when little was used, the last one when half was."""
        hosts = self.hosts_apart(HOSTS, store, f'quota = "{QUOTA}/24h"', timeout="1s")
        for host in hosts * 2:
            self.tool(host, "refill")
        for host in hosts:
            for _ in range(QUOTA // 2 // HOSTS):
                self.assertTrue(self.sent(host))
            self.wait_quiet(host)
        self.assertEqual({self.known(host).hosts for host in hosts}, {HOSTS})
        return hosts

    def judge(self, what: str, bound: int) -> None:
        sent = len(self.sink.accepted)
        print(f"{what}: {HOSTS} hosts, quota {QUOTA}: {sent} sent, overshoot {max(0, sent - QUOTA)}, at most "
              f"{max(0, bound - QUOTA)}")
        self.assertLessEqual(sent, bound)
        self.assertGreater(sent, QUOTA * 9 // 10)

    def assert_counted(self, hosts: list[Host]) -> None:
        """What was sent while the store knew nothing is not granted once more when it has learnt."""
        for host in hosts:
            self.wait_quiet(host)
            self.wait_until(lambda host=host: self.call(host, "refill").returncode == 0, "the store to be asked again")
        self.assertGreaterEqual(self.fleet_used(hosts[0]), len(self.sink.accepted))

    @each({"killed": (StoreServer.kill,), "stopped": (StoreServer.hang,), "wiped": (StoreServer.wipe,)})
    def test_for_all_hosts(self, harm: Callable[[StoreServer], object]) -> None:
        store = self.store(host=STORE)
        hosts = self.begin_unevenly(store)
        bound = most_sent(QUOTA, [self.known(host) for host in hosts])
        self.assertGreater(bound, QUOTA)
        harm(store)
        self.use_up(hosts)
        self.use_up(hosts)
        self.judge(harm.__name__, bound)
        if harm is StoreServer.wipe:
            self.assert_counted(hosts)
        self.assertGreater(len(self.sink.accepted), QUOTA)    # or the bound would not have been tried

    def test_all_are_cut_off(self) -> None:
        hosts = self.begin_unevenly(self.store(host=STORE))
        bound = most_sent(QUOTA, [self.known(host) for host in hosts])
        self.cut_off(hosts)
        self.use_up(hosts)
        self.judge("cut off", bound)

    def test_some_are_cut_off(self) -> None:
        hosts = self.begin_unevenly(self.store(host=STORE))
        away, there = hosts[:HOSTS // 2], hosts[HOSTS // 2:]
        bound = QUOTA + sum(self.known(host).beyond(QUOTA) for host in away)
        self.cut_off(away)
        self.use_up(there + away)
        self.judge("half of the hosts cut off", bound)
        for host in away:
            assert host.machine
            host.machine.connect_again(STORE)
            self.wait_until(lambda host=host: self.answers(host), "the store to be back")
        sent = len(self.sink.accepted)
        self.use_up(hosts)
        self.assertLessEqual(len(self.sink.accepted), max(sent, QUOTA))    # what was sent meanwhile is counted

    def test_killed_and_started_again_with_nothing(self) -> None:
        store = self.store(host=STORE)
        hosts = self.begin_unevenly(store)
        bound = most_sent(QUOTA, [self.known(host) for host in hosts])
        store.kill()
        for host in hosts * 2:
            self.assertTrue(self.sent(host))
        store.start()
        for _ in range(3):
            self.use_up(hosts)
        self.judge("killed, started again", bound)
        self.assert_counted(hosts)

    def test_wiped_twice(self) -> None:
        store = self.store(host=STORE)
        hosts = self.begin_unevenly(store)
        bound = most_sent(QUOTA, [self.known(host) for host in hosts])
        store.wipe()
        for host in hosts:
            self.assertTrue(self.sent(host))
            self.tool(host, "refill")
        store.wipe()
        for _ in range(3):
            self.use_up(hosts)
        self.judge("wiped twice", bound)
        self.assert_counted(hosts)

    def test_wiped_and_one_host_tells_long_before_the_others(self) -> None:
        """What it has used meanwhile is not a part of what these have yet to tell."""
        store = self.store(host=STORE)
        hosts = self.begin_unevenly(store)
        bound = most_sent(QUOTA, [self.known(host) for host in hosts])
        store.wipe()
        self.tool(hosts[0], "refill")
        self.use_up(hosts[:1])
        self.assert_counted(hosts[:1] + hosts)
        self.use_up(hosts)
        self.judge("wiped, one host tells early", bound)
        self.assert_counted(hosts)

    def test_started_again_with_what_it_had_some_time_ago(self) -> None:
        """Each host tells it what it knows better as soon as it asks; what had been granted meanwhile may be granted again."""
        store = self.store(host=STORE)
        hosts = self.hosts_apart(HOSTS, store, f'quota = "{QUOTA}/24h"', timeout="1s")
        for host in hosts * 2:
            self.assertTrue(self.sent(host))
            self.wait_quiet(host)
        store("SAVE")
        before = max(self.known(host).used for host in hosts)
        for host in hosts:
            for _ in range(QUOTA // 2 // HOSTS):
                self.assertTrue(self.sent(host))
            self.wait_quiet(host)
        lost = max(self.known(host).used for host in hosts) - before
        store.kill()
        store.start()
        self.use_up(hosts[::-1] + hosts)
        self.judge("started again with old data", QUOTA + lost)


class StormAlone(OvershootCase):
    """The store is stopped, killed, started again, wiped and cut off in the middle of a storm."""

    def test_trouble_in_a_storm(self) -> None:
        store = self.store(host=STORE)
        quota, part = STORM // 2, STORM // 10
        hosts = self.hosts_apart(STORM_HOSTS, store, f'quota = "{quota}/24h"', timeout="50ms")
        for host in hosts * 2:    # so that all know how many they are
            self.answers(host)
        bounds = []

        def note_bound() -> None:
            """At the end of a trouble: what a host knows does not change in it."""
            bounds.append(most_sent(quota, [self.known(host) for host in hosts]))

        def connect_again() -> None:
            for host in hosts:
                assert host.machine
                host.machine.connect_again(STORE)
        steps: dict[int, list[Callable[[], Any]]] = {
            1: [store.hang], 2: [note_bound, store.go_on], 3: [store.kill], 4: [note_bound, store.start], 5: [store.wipe],
            6: [note_bound, lambda: self.cut_off(hosts)], 7: [note_bound, connect_again]}

        def step(number: int) -> None:
            for act in steps.get(number // part, []) if number % part == 0 else []:
                act()
        sent = self.assert_sent_or_deferred(self.storm(hosts, STORM, 8, step))
        note_bound()
        bound = max(quota, *bounds)
        print(f"{STORM_HOSTS} hosts, {STORM} messages, quota {quota}; store stopped, killed, wiped, cut off: {sent} sent, "
              f"overshoot {max(0, sent - quota)}, at most {bound - quota}")
        self.assertLessEqual(sent, bound)
        self.assertGreaterEqual(sent, quota * 9 // 10)
