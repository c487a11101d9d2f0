#!/usr/bin/env python3
"""Runs the tests of relaypipe under a real Postfix.

Usage: run.py [--binary PATH] [-k PATTERN] [--list]

Needs root, because Postfix does. The last line is `N passed, N failed`; the exit status is 1 when one failed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Iterator

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


class Report(unittest.TestResult):
    """One line per test, and the mail log under every failure."""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._began = time.monotonic()
        self._failed = False

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        seconds = time.monotonic() - self._began
        print(f"{'FAILED' if self._failed else 'ok':6} {test.id()} ({seconds:.1f} s)", flush=True)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self._show(test, self.failures[-1][1])

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self._show(test, self.errors[-1][1])

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._show(test, f"{subtest}\n{(self.failures + self.errors)[-1][1]}")

    def _show(self, test: unittest.TestCase, trace: str) -> None:
        self._failed = True
        print(trace, flush=True)
        if describe := getattr(test, "describe_failure", None):
            print(describe(), flush=True)


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        else:
            yield each


@contextlib.contextmanager
def snapshot(binary: Path) -> Iterator[Path]:
    """A copy for the whole run: a build beside it must not replace the program between two tests."""
    with tempfile.TemporaryDirectory(prefix="relaypipe-binary-") as directory:
        os.chmod(directory, 0o755)
        copy = Path(directory) / "relaypipe"
        shutil.copy(binary, copy)
        subprocess.run([copy, "--help"], stdout=subprocess.DEVNULL, check=True)
        yield copy


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, help="the program under test (build/relaypipe)")
    parser.add_argument("-k", metavar="PATTERN", action="append", help="only tests whose name holds PATTERN")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    arguments = parser.parse_args()
    # A time-out of ctest or a Ctrl-C must still stop every Postfix: both become an exception here.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{pattern}*" for pattern in arguments.k] if arguments.k else None
    tests = list(flat(loader.discover(str(HERE), "test_*.py", str(HERE))))
    if arguments.list:
        print("\n".join(test.id() for test in tests))
        return 0
    if os.geteuid() != 0:
        print("these tests start a Postfix of their own, which only root may do", file=sys.stderr)
        return 1
    report = Report()
    with snapshot(arguments.binary or HERE.parents[1] / "build" / "relaypipe") as binary:
        os.environ["RELAYPIPE"] = str(binary)
        unittest.TestSuite(tests).run(report)
    bad = {test.id().split(" ")[0] for test, _ in report.failures + report.errors}
    print(f"{report.testsRun - len(bad)} passed, {len(bad)} failed")
    return 1 if bad or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
