"""Every part of the measurement with the smallest numbers: that it runs, and what no load of the machine changes."""

from __future__ import annotations

import os
import unittest
from pathlib import Path

import deliveries
import distance
import large
import lmtp
import queues
from programs import Binary
from queue_lab import NATIVE
from stage import check_tools, stage
from support.installed import REPOSITORY
from support.marks import measures
from support.postfix import queue_template
from tables import Findings


PROGRAMS = {"relaypipe", "bare", "msmtp", "curl"}
ONE_CA = {"msmtp, one CA", "curl, one CA"}
LMTP = "relaypipe by LMTP"


@measures
class Parts(unittest.TestCase):
    def setUp(self) -> None:
        build = Path(os.environ.get("RELAYPIPE_BUILD") or REPOSITORY / "build")
        self.binaries = [Binary("relaypipe", Path(os.environ.get("RELAYPIPE") or build / "relaypipe"), build)]
        check_tools(self.binaries[0].bare)
        self.enterContext(queue_template())
        self.place = self.enterContext(stage(build))

    def assert_rows(self, findings: Findings, *expected: set[str]) -> None:
        """A table with each of these sets of rows, and nothing but figures of something."""
        self.assertEqual(len(findings.tables), len(expected))
        for table, names in zip(findings.tables, expected):
            self.assertEqual({name for name, _ in table.rows}, names, table.title)
            for name, cells in table.rows:
                self.assertTrue(all(isinstance(cell, str) or cell is None or cell > 0 for cell in cells), (name, cells))

    def test_delivery(self) -> None:
        names = PROGRAMS | {"msmtp loop", "/bin/true"}
        self.assert_rows(deliveries.measure(self.place, self.binaries, 1), names, names | ONE_CA)

    def test_queue(self) -> None:
        messages = dict.fromkeys(deliveries.KINDS, 20)
        found = queues.drain_rates(self.place, self.binaries, messages, 1)
        names = (PROGRAMS - {"bare"}) | {"msmtp loop", "/bin/true", NATIVE}
        self.assert_rows(found, names, names | ONE_CA)

    def test_dead_first_relay(self) -> None:
        dead = queues.DeadRelays(self.place)
        self.addCleanup(dead.first.stop)
        found = queues.own_dead_first(dead, self.binaries, 20, 1)
        worlds = (queues.REFUSES, queues.HOLE, queues.SILENT, queues.FALLS_SILENT)
        self.assert_rows(found, {f"relaypipe, {world}" for world in worlds})

    def test_distance_to_a_postfix(self) -> None:
        self.assert_rows(distance.to_postfix(self.place, self.binaries, 1), {"relaypipe", NATIVE})

    def test_lmtp(self) -> None:
        found = lmtp.queues(self.place, self.binaries, dict.fromkeys(deliveries.KINDS, 20), 1)
        names = {NATIVE, "relaypipe", LMTP}
        self.assert_rows(found, names, names | {lmtp.REUSE})

    def test_lmtp_with_a_long_queue(self) -> None:
        found = lmtp.long_queues(self.place, self.binaries, dict.fromkeys(deliveries.KINDS, 10), 1)
        names = {NATIVE, LMTP}
        self.assert_rows(found, names, names | {lmtp.REUSE})

    def test_lmtp_over_a_distance(self) -> None:
        alone = {NATIVE, lmtp.REUSE, LMTP}
        self.assert_rows(lmtp.distant(self.place, self.binaries, 5, 1), alone | {"relaypipe"}, alone)

    def test_one_transaction_for_many_recipients(self) -> None:
        found = lmtp.many_recipients(self.place, self.binaries, 1)
        self.assert_rows(found, {NATIVE, "relaypipe", LMTP})
        transactions = {name: cells[-1] for name, cells in found.tables[0].rows}
        self.assertEqual(transactions, {NATIVE: 1, LMTP: 1, "relaypipe": lmtp.RECIPIENTS})

    def test_dead_first_relay_by_lmtp(self) -> None:
        found = queues.lmtp_dead_first(self.place, self.binaries, 10, 20, 1)
        names = {f"{LMTP}, {world}" for world in (queues.HOLE, queues.SILENT)}
        self.assert_rows(found, names, names)

    def test_large(self) -> None:
        # Of less smtp(8) may say that it took no time: it tells hundredths of a second.
        self.assert_rows(large.measure(self.place, self.binaries, 10, 1), PROGRAMS | {NATIVE})

    def test_fewer_round_trips_than_anybody(self) -> None:
        found = distance.measure(self.place, self.binaries, 3)
        self.assert_rows(found, PROGRAMS | ONE_CA | {NATIVE})
        print(found.tables[0])
        for aim in found.aims:
            self.assertTrue(aim.met, aim)
