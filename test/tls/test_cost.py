"""A delivery over TLS with an account costs at most half of what it costs in msmtp and curl."""

from __future__ import annotations

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from marks import measures
from tls_case import binary_path

BENCH = Path(__file__).resolve().parents[1] / "bench" / "tls_cost"


@measures
class Cost(unittest.TestCase):
    def test_instructions(self) -> None:
        for program in ("valgrind", "msmtp", "curl"):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        command = [sys.executable, "-B", str(BENCH), "--binary", str(binary_path()), "--callgrind"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
