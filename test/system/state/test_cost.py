"""What remembering costs one delivery, and that it never waits for a disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
import unittest

from support.installed import REPOSITORY
from support.marks import measures
from support.relays import binary_path



@measures
class CostAlone(unittest.TestCase):
    def test_one_delivery(self) -> None:
        for tool in ("valgrind", "strace"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        command = [sys.executable, "-B", str(REPOSITORY / "test"), "state/state_cost", "--binary", str(binary_path())]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print(done.stdout)    # the run loop shows it even when the test passed
        self.assertEqual(done.returncode, 0, done.stderr)
