"""A million messages at full speed through the real store; `--long` only, since it takes some ten minutes."""

from __future__ import annotations

import subprocess
import unittest

from state_case import LONG
from support.relays import binary_path


class MillionAlone(unittest.TestCase):
    def test_nothing_slows_down_and_nothing_is_forgotten(self) -> None:
        units = binary_path().parent / "relaypipe_unit"
        if not LONG or not units.exists():
            self.skipTest("only with --long, and where relaypipe_unit was built")
        done = subprocess.run([str(units), "[.long]"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("1000000 messages", done.stdout)
