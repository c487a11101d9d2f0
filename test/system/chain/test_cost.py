"""A large configuration file may not make deliveries dear."""

from __future__ import annotations

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from chain_case import binary_path
from marks import measures

HERE = Path(__file__).resolve().parent


@measures
class Cost(unittest.TestCase):
    def test_200_relays(self) -> None:
        if not shutil.which("valgrind"):
            self.skipTest("valgrind is not installed")
        command = [sys.executable, "-B", str(HERE / "config_cost"), "--binary", str(binary_path())]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print(done.stdout)    # the run loop shows it even when the test passed
        self.assertEqual(done.returncode, 0, done.stderr)
