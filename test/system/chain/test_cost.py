"""A large configuration file may not make deliveries dear."""

from __future__ import annotations

import shutil
import subprocess
import sys
import unittest

from support.installed import REPOSITORY
from support.marks import measures
from support.relays import binary_path



@measures
class Cost(unittest.TestCase):
    def test_200_relays(self) -> None:
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        command = [sys.executable, "-B", str(REPOSITORY / "test"), "chain/config_cost", "--binary", str(binary_path())]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print(done.stdout)    # the run loop shows it even when the test passed
        self.assertEqual(done.returncode, 0, done.stderr)
