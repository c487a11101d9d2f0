#!/usr/bin/env python3
"""Runs the end-to-end tests in parallel.

Usage: run.py [--binary PATH] [-k PATTERN]... [-j N] [-v] [--list] [test_file.py]...

Every test is a process's work of its own: relays on ephemeral ports, a temporary directory, no shared state.
The last line is `N passed, N failed`; the exit status is 0 only when nothing failed and something passed.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import os
import sys
import time
import traceback
import unittest
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


@dataclass
class Outcome:
    name: str
    passed: bool
    skipped: bool
    seconds: float
    report: str


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def find_tests(files: list[str], patterns: list[str]) -> list[str]:
    modules = [Path(f).stem for f in files] or sorted(path.stem for path in HERE.glob("test_*.py"))
    suite = unittest.defaultTestLoader.loadTestsFromNames(modules)
    names = [test.id() for test in flatten(suite)]
    wanted = [pattern if "*" in pattern else f"*{pattern}*" for pattern in patterns]
    return [n for n in names if not wanted or any(fnmatch.fnmatchcase(n, w) for w in wanted)]


def run_one(name: str) -> Outcome:
    started = time.monotonic()
    output = io.StringIO()
    try:
        suite = unittest.defaultTestLoader.loadTestsFromName(name)
        result = unittest.TextTestRunner(stream=output, verbosity=0).run(suite)
        passed = result.wasSuccessful() and result.testsRun == 1
        skipped = passed and bool(result.skipped)
        report = output.getvalue() + "".join(why for _, why in result.skipped)
    except Exception:
        passed, skipped, report = False, False, traceback.format_exc()
    return Outcome(name, passed and not skipped, skipped, time.monotonic() - started, report)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("-k", dest="patterns", action="append", default=[])
    parser.add_argument("-j", dest="jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("-v", dest="verbose", action="store_true", help="also print the tests that pass")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def show(outcome: Outcome, verbose: bool) -> None:
    if outcome.skipped:
        print(f"skipped {outcome.name}: {outcome.report.splitlines()[-1]}")
    elif not outcome.passed:
        print(f"FAILED {outcome.name} ({outcome.seconds:.1f} s)\n{outcome.report}")
    elif verbose:
        print(f"passed {outcome.name} ({outcome.seconds:.1f} s)")


def main() -> int:
    arguments = parse_arguments()
    if arguments.binary:
        os.environ["RELAYPIPE"] = str(arguments.binary.absolute())
    names = find_tests(arguments.files, arguments.patterns)
    if arguments.list:
        print("\n".join(names))
        return 0
    outcomes = []
    with ProcessPoolExecutor(max_workers=max(arguments.jobs, 1)) as pool:
        for future in as_completed([pool.submit(run_one, name) for name in names]):
            outcomes.append(future.result())
            show(outcomes[-1], arguments.verbose)
            sys.stdout.flush()
    passed = sum(outcome.passed for outcome in outcomes)
    failed = [outcome.name for outcome in outcomes if not outcome.passed and not outcome.skipped]
    for name in sorted(failed):
        print(f"failed: {name}")
    # What was skipped proves nothing, so it is never counted as passed.
    skipped = len(outcomes) - passed - len(failed)
    print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
