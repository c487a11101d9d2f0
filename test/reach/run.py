#!/usr/bin/env python3
"""Runs the tests of how relays are found and reached: DNS, MX, SRV, loops, the race, the bad worlds.

Usage: run.py [--binary PATH] [-k PATTERN]... [-j N] [-v] [--list] [test_file.py]...

Every test has a process of its own, because most of them enter a network namespace of their own; that needs root, and
without root they count as skipped. The last line is `N passed, N failed`; the exit status is 0 only when nothing failed.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent
LIMIT = 240.0     # seconds for one test; reached only when something hangs
SKIPPED = 77
ALONE = "test_bad_worlds"    # compares times, so nothing else runs beside it


@dataclass
class Outcome:
    name: str
    status: int
    seconds: float
    report: str

    @property
    def passed(self) -> bool:
        return self.status == 0


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def find_tests(files: list[str], patterns: list[str]) -> list[str]:
    modules = [Path(f).stem for f in files] or sorted(path.stem for path in HERE.glob("test_*.py"))
    names = [test.id() for test in flatten(unittest.defaultTestLoader.loadTestsFromNames(modules))]
    if unittest.defaultTestLoader.errors:
        sys.exit("\n".join(unittest.defaultTestLoader.errors))
    wanted = [pattern if "*" in pattern else f"*{pattern}*" for pattern in patterns]
    return [n for n in names if not wanted or any(fnmatch.fnmatchcase(n, w) for w in wanted)]


def run_here(name: str) -> int:
    """The child: one test, its report on stderr."""
    suite = unittest.defaultTestLoader.loadTestsFromName(name)
    result = unittest.TextTestRunner(verbosity=0).run(suite)
    if result.skipped:
        print(f"skipped: {result.skipped[0][1]}", file=sys.stderr)
        return SKIPPED
    return 0 if result.wasSuccessful() and result.testsRun == 1 else 1


def run_one(name: str) -> Outcome:
    started = time.monotonic()
    command = [sys.executable, "-B", str(HERE / "run.py"), "--one", name]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT)
        status, report = done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        status, report = 1, f"{error}\n{(error.stderr or b'').decode('utf-8', 'replace')}"
    return Outcome(name, status, time.monotonic() - started, report)


def show(outcome: Outcome, verbose: bool) -> None:
    if outcome.status not in (0, SKIPPED):
        print(f"FAILED {outcome.name} ({outcome.seconds:.1f} s)\n{outcome.report}")
    elif outcome.status == SKIPPED:
        print(f"skipped {outcome.name}: {outcome.report.strip().splitlines()[-1]}")
    elif verbose or ALONE in outcome.name:
        print(f"passed {outcome.name} ({outcome.seconds:.1f} s)")
        if ALONE in outcome.name:
            print(outcome.report.split("-\nRan ")[0].rstrip("-\n"))
    sys.stdout.flush()


def run_all(names: list[str], jobs: int, verbose: bool) -> list[Outcome]:
    outcomes = []
    with ThreadPoolExecutor(max_workers=max(jobs, 1)) as pool:
        for future in as_completed([pool.submit(run_one, name) for name in names]):
            outcomes.append(future.result())
            show(outcomes[-1], verbose)
    return outcomes


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("-k", dest="patterns", action="append", default=[])
    parser.add_argument("-j", dest="jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("-v", dest="verbose", action="store_true", help="also print the tests that pass")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def snapshot(directory: str, binary: Path) -> Path:
    """The program as it is now. A build that relinks it meanwhile would mix two programs into one run, and worse: a file
    that is still empty is run by execvp as an empty shell script, exit 0, which Postfix logs as sent."""
    if not binary.exists():
        sys.exit(f"no program at {binary}: give --binary PATH or set RELAYPIPE")
    copy = Path(directory) / "relaypipe"
    shutil.copy(binary, copy)
    copy.chmod(0o755)
    os.chmod(directory, 0o755)    # some tests run it as another user
    if copy.read_bytes() != binary.read_bytes() or not subprocess.run([copy, "--help"], capture_output=True).stdout:
        sys.exit(f"{binary} is being built, or does not run")
    return copy


def main() -> int:
    arguments = parse_arguments()
    if arguments.one:
        return run_here(arguments.one)
    names = find_tests(arguments.files, arguments.patterns)
    if arguments.list:
        print("\n".join(names))
        return 0
    alone = [name for name in names if ALONE in name]
    binary = arguments.binary or Path(os.environ.get("RELAYPIPE") or HERE.parent.parent / "build" / "relaypipe")
    with tempfile.TemporaryDirectory(prefix="relaypipe-reach-") as directory:
        os.environ["RELAYPIPE"] = str(snapshot(directory, binary.absolute()))
        outcomes = run_all([n for n in names if n not in alone], arguments.jobs, arguments.verbose)
        outcomes += run_all(alone, 1, arguments.verbose)
    failed = sorted(o.name for o in outcomes if o.status not in (0, SKIPPED))
    for name in failed:
        print(f"failed: {name}")
    if skipped := sum(o.status == SKIPPED for o in outcomes):
        print(f"{skipped} skipped: they prove nothing here, run this as root")
    print(f"{sum(o.passed for o in outcomes)} passed, {len(failed)} failed")
    return 1 if failed or not any(o.passed for o in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
