"""Relays that are down: the first few deliveries meet it, the others know; one looks whether it is over."""

from __future__ import annotations

import re

from counting_relay import CountingRelay
from state_case import StateCase
from support.machine import wait_until
from support.relays import RefusedPort

MANY = 50
# Those which are past the look at the memory when the first failure is recorded. It takes a refused delivery some
# milliseconds to get there, so they are few; on a machine that does other things as well it may be some more.
FEW = 15
RESTS = r"is cooling down until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"


class RefusedFirstRelay(StateCase):
    def test_only_the_first_few_meet_it(self) -> None:
        dead, relay = self.dead(RefusedPort), self.counting()
        results = self.at_once(MANY, dead, relay)
        self.assert_all_sent(results)
        met = [r for r in results if "Connection refused" in r.text]
        print(f"{len(met)} of {MANY} met the refused relay")
        self.assertLessEqual(len(met), FEW)
        self.assertEqual(len(relay.accepted), MANY)
        self.assertEqual(set(relay.recipients.values()), {1})
        more = self.at_once(MANY, dead, relay, name="R")
        self.assert_all_sent(more)
        self.assertEqual([r.text for r in more if "refused" in r.text], [])

    def test_it_is_told_once_that_it_went_down(self) -> None:
        dead, relay = self.dead(RefusedPort), self.counting()
        self.assert_all_sent(self.at_once(MANY, dead, relay))
        self.assertEqual(len(self.whole_log(f"relay {re.escape(dead.destination)} {RESTS}")), 1)

    def test_a_reset_relay_is_met_by_the_first_few(self) -> None:
        reset, relay = self.counting(resets=True), self.counting()
        self.assert_all_sent(self.at_once(MANY, reset, relay))
        self.assertLessEqual(len(reset.sessions), FEW)
        self.assertGreater(len(reset.sessions), 0)


class AfterTheCoolDown(StateCase):
    COOL_DOWN = {"cool_down": "1s", "cool_down_max": "1s"}

    def test_exactly_one_probes(self) -> None:
        """The probe is held open by a relay that does not greet; meanwhile nobody else dials it."""
        dead, relay = self.dead(RefusedPort), self.counting()
        self.one(dead, relay, name="FIRST", **self.COOL_DOWN)
        first = self.again(dead, greets=False)
        # It rests for a second: deliveries go past it, until one is due to look.
        prober = self.probe(first, relay)
        results = self.at_once(MANY, first, relay, **self.COOL_DOWN)
        self.assert_all_sent(results)
        self.assertEqual(len(first.sessions), 1, "more than one process probed")
        first.greet_now()
        self.assertEqual(self.finish(prober).status, 0)
        first.wait_for(lambda r: all(s.ended for s in r.sessions), "the end of the probe")
        # It was ready, so it is well again: everybody goes there.
        taken = len(first.accepted)
        self.assert_all_sent(self.at_once(5, first, relay, name="AFTER", **self.COOL_DOWN))
        self.assertEqual(len(first.accepted), taken + 5)

    def again(self, dead: RefusedPort, **behaviour: bool):
        """A relay at the port that was refused."""
        dead.stop()
        return self.counting(port=dead.port, **behaviour)

    def probe(self, first, relay):
        """Delivers until a delivery has dialled the first relay, and returns that one, still running."""
        found = []

        def dialled() -> bool:
            delivery = self.begin(first, relay, name=f"P{len(found)}", patience="30s", **self.COOL_DOWN)
            found.append(delivery)
            wait_until(lambda: first.sessions or len(relay.accepted) > len(found), "one of the relays")
            if first.sessions:
                return True
            self.finish(delivery)
            return False

        wait_until(dialled, "a probe")
        return found[-1]


class AllRelaysDown(StateCase):
    SHORT = {"cool_down": "1s", "cool_down_max": "1s", "patience": "100ms"}

    def test_while_they_rest_nobody_dials_and_the_time_is_named(self) -> None:
        relays = [self.counting(resets=True), self.counting(resets=True)]
        self.assertEqual(self.one(*relays, name="DOWN").status, 75)
        for result in self.at_once(MANY, *relays):
            self.assertEqual(result.status, 75, result)
            self.assertRegex(result.text, r"until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "no time is named")
        self.assertEqual([len(r.sessions) for r in relays], [1, 1])

    def test_one_probes_and_the_others_defer(self) -> None:
        """At once, where max_wait says so; else they would wait for the one."""
        options = {**self.SHORT, "patience": "30s", "max_wait": "0s"}
        relay = self.counting(resets=True)
        self.assertEqual(self.one(relay, name="DOWN", **options).status, 75)
        relay.behaviour.resets, relay.behaviour.greets = False, False
        self.wait_until_due([relay])
        prober = self.begin(relay, name="PROBE", **options)
        relay.wait_for(lambda r: len(r.sessions) == 2, "the probe")
        results = self.at_once(MANY, relay, **options)
        for result in results:
            self.assertEqual(result.status, 75, result)
            self.assertRegex(result.text, "is being tried by another delivery")
        self.assertEqual(len(relay.sessions), 2, "more than one process looks")
        print(results[-1].text.strip())
        relay.greet_now()
        self.assertEqual(self.finish(prober).status, 0)
        self.assert_all_sent(self.at_once(5, relay, name="AFTER", **options))
        self.assertEqual(len(relay.accepted), 6)

    def wait_until_due(self, relays: list[CountingRelay]) -> None:
        """They failed one after the other: a delivery between the ends of their rests would look at the first alone."""
        self.configure(f'state_directory = "{self.state}"\n')

        def due(relay: CountingRelay) -> bool:
            known = self.relay_status(relay.destination)
            return known["state"] == "due" and not known["cooling_down_addresses"]

        wait_until(lambda: all(map(due, relays)), "the end of both rests")
