"""The chaos run in its short form. Every finding of it is a fault; the seeds are fixed, the machine's timing is not."""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path

from chaos_run import Options, run
from chaos_world import has_setting
from report import details, figures, table

MESSAGES = 800
LIMIT = 100.0    # seconds, for each half; reached only when something hangs


class Short(unittest.TestCase):
    maxDiff = None

    def run_with(self, seed: str) -> None:
        with tempfile.TemporaryDirectory(prefix="relaypipe-chaos-") as place:
            binary = Path(os.environ["RELAYPIPE"])
            options = Options(binary, MESSAGES, seed, LIMIT)
            result = run(options, Path(place))
        print(table(figures(options, result)))
        if faults := result.judgement.faults(guard=has_setting(binary, "duplicate_wait")):
            concerned = {word for fault in faults for word in fault.split() if "@" in word}
            log = [line for line in result.log.splitlines() if any(each.rstrip(":,") in line for each in concerned)]
            self.fail("\n".join([*faults[:20], details(result), *log[:200]]))
        # A run in which nothing went wrong would prove nothing.
        self.assertEqual(len(result.evidence.messages), MESSAGES)
        self.assertGreater(result.evidence.deferred, 20)
        kinds = {trouble.kind for trouble in result.evidence.troubles if trouble.victims}
        self.assertLessEqual({"kill relaypipe", "stop"}, kinds)
        self.assertGreater(result.judgement.duplicates["unconfirmed dot"], 0)

    def test_first_seed(self) -> None:
        self.run_with("first")

    def test_second_seed(self) -> None:
        self.run_with("second")
