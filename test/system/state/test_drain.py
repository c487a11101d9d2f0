"""A real Postfix, twenty deliveries at a time, and a first relay that takes connections and never says a word."""

from __future__ import annotations

import unittest

from drain import KNOWN, STRANGER, WELL, DrainLab, compare, ratios
from state_case import LONG
from support.held_queue import CONCURRENCY
from support.relays import binary_path

MESSAGES, ROUNDS = (500, 3) if LONG else (150, 1)
# Two loads: those that are started while nothing is known yet, and those started while it is being found out.
MET = 3 * CONCURRENCY
# A slot that meets it waits for its patience of 2 s before the next relay gets its turn; then it is known. Another half a
# second is for a machine that does other things.
WAITS = CONCURRENCY * 2.5


class TarpitAlone(unittest.TestCase):
    def test_the_queue_drains_as_if_it_were_not_there(self) -> None:
        with DrainLab(binary_path()) as lab:
            runs = compare(lab, MESSAGES, ROUNDS)
        for name, ratio in ratios(runs).items():
            print(f"{name}: {ratio:.2f} x the time with both relays well")
        for kind in (WELL, STRANGER, KNOWN):
            for run in runs[kind]:
                self.assertEqual(run.lost, 0, "every message arrives exactly once")
                self.assertLessEqual(run.met, MET, "too many messages met the tarpit")
                self.assertLessEqual(run.waits, WAITS, "they waited too long for it")
        for kind in (STRANGER, KNOWN):
            self.assertTrue(all(run.met > 0 for run in runs[kind]), "nobody met the tarpit: nothing was proved")
