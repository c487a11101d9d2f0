"""The run loop of every suite that tests the real binary.

A folder of test/ that has a run.py is a suite: CMake finds it, ctest runs it. The run.py says what is special about it:

    from suite import main
    sys.exit(main(__file__, __doc__))

and its docstring holds USAGE at the place of `{usage}`. Every test has a process of its own, forked from one that has
loaded all of them: it may leave the machine's network, change its user or its environment, and nobody else notices. What the machine is set
up for reaches none of them: see private_machine.py.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator, Sequence

from installed import copy_relaypipe, program_of
from one_test import FAILED, PASSED, SKIPPED, Outcome, run_all
from private_machine import enter

REPOSITORY = Path(__file__).resolve().parents[2]
USAGE = """\
Usage: run.py [--binary PATH] [--sanitized] [-k PATTERN]... [-j N] [-v] [--list] [test_file.py]...

The last line is `N passed, N failed`; the exit status is 0 only when nothing failed and something passed."""

World = Callable[[], ContextManager[Any]]


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        else:
            yield each


def find_tests(folder: Path, files: Sequence[str], patterns: Sequence[str]) -> list[str]:
    sys.path.insert(0, str(folder))
    modules = [Path(f).stem for f in files] or sorted(path.stem for path in folder.glob("test_*.py"))
    loader = unittest.defaultTestLoader
    names = [test.id() for test in flat(loader.loadTestsFromNames(modules))]
    if loader.errors:
        sys.exit("\n".join(loader.errors))
    wanted = [pattern if "*" in pattern else f"*{pattern}*" for pattern in patterns]
    return [n for n in names if not wanted or any(fnmatch.fnmatchcase(n, w) for w in wanted)]


def parse_arguments(description: str, jobs: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, usage=argparse.SUPPRESS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, help="the program under test ($RELAYPIPE, or build/relaypipe)")
    parser.add_argument("--sanitized", action="store_true", help="it was built with sanitizers: nothing is measured")
    parser.add_argument("-k", dest="patterns", metavar="PATTERN", action="append", default=[],
                        help="only tests whose name holds PATTERN, or matches it where it has a *")
    parser.add_argument("-j", dest="jobs", metavar="N", type=int, default=jobs, help=f"tests at a time ({jobs})")
    parser.add_argument("-v", dest="verbose", action="store_true", help="also name the tests that pass")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


@contextlib.contextmanager
def snapshot(binary: Path) -> Iterator[Path]:
    """The program as it is now. A build that relinks it meanwhile would mix two programs into one run, and worse: a file
    that is still empty is run by execvp as an empty shell script, exit 0, which Postfix logs as sent."""
    if not binary.exists():
        sys.exit(f"no program at {binary}: give --binary PATH or set RELAYPIPE")
    with tempfile.TemporaryDirectory(prefix="relaypipe-binary-") as directory:
        copy = copy_relaypipe(binary, Path(directory) / "relaypipe")
        os.chmod(directory, 0o755)    # some tests run it as another user
        same = all(a.read_bytes() == b.read_bytes() for a, b in ((copy, binary), (program_of(copy), program_of(binary))))
        if not same or subprocess.run([copy, "--help"], capture_output=True).returncode != 0:
            sys.exit(f"{binary} is being built, or does not run")
        yield copy


def show(outcome: Outcome, verbose: bool) -> None:
    """What a test prints although it passed is a measurement somebody wants to see."""
    if outcome.status == FAILED:
        print(f"FAILED {outcome.name} ({outcome.seconds:.1f} s)\n{outcome.report}")
    elif outcome.status == SKIPPED:
        print(f"skipped {outcome.name}: {outcome.report.strip().splitlines()[-1]}")
    elif verbose or outcome.report:
        print(f"passed {outcome.name} ({outcome.seconds:.1f} s)\n{outcome.report}".rstrip())
    sys.stdout.flush()


def summary(outcomes: Sequence[Outcome]) -> int:
    """The last lines. What was skipped proves nothing, so it is never counted as passed."""
    count = {status: sum(o.status == status for o in outcomes) for status in (PASSED, FAILED, SKIPPED)}
    for name in sorted(o.name for o in outcomes if o.status == FAILED):
        print(f"failed: {name}")
    if count[SKIPPED]:
        print(f"{count[SKIPPED]} skipped: they prove nothing here")
    print(f"{count[PASSED]} passed, {count[FAILED]} failed")
    return 1 if count[FAILED] or not count[PASSED] else 0


def main(file: str, description: str | None, *, alone: str = "", jobs: int = 2 * (os.cpu_count() or 1),
         needs_root: bool = False, world: World = contextlib.nullcontext) -> int:
    """Runs the tests of the folder `file` is in. Those with `alone` in their name come last and one at a time, because
    they measure. `world` is entered before the first test and left after the last: servers they share. All of it happens
    on a private machine (private_machine.py)."""
    enter()
    arguments = parse_arguments((description or "").replace("{usage}", USAGE), jobs)
    if arguments.sanitized:
        os.environ["RELAYPIPE_SANITIZED"] = "1"
    # A time-out of ctest or a Ctrl-C must still end every server: both become an exception, here and in every test.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = find_tests(Path(file).resolve().parent, arguments.files, arguments.patterns)
    if arguments.list:
        print("\n".join(names))
        return 0
    if needs_root and os.geteuid() != 0:
        print("these tests start mail servers of their own, which only root may do", file=sys.stderr)
        return 1
    last = [name for name in names if alone and alone in name]
    binary = arguments.binary or Path(os.environ.get("RELAYPIPE") or REPOSITORY / "build" / "relaypipe")
    os.environ["RELAYPIPE_BUILD"] = str(binary.absolute().parent)    # where other programs of the build are
    outcomes = []
    with snapshot(binary.absolute()) as copy:
        os.environ["RELAYPIPE"] = str(copy)
        with world():
            for some, at_once in (([n for n in names if n not in last], arguments.jobs), (last, 1)):
                for outcome in run_all(some, at_once):
                    outcomes.append(outcome)
                    show(outcome, arguments.verbose)
    return summary(outcomes)
