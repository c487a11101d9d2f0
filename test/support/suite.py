"""The run loop of every suite that tests the real program.

A folder with a suite.py is a suite, CMake finds it, and ctest runs it by `python3 -B test NAME`. Its suite.py says what is
special about it: `SUITE = Suite(...)`, with a docstring that says what is tested. Every test has a process of its own, forked
from one that has loaded all of them: it may leave the machine's network, change its user or its environment, and nobody else
notices. What the machine is set up for reaches none of them: see private_machine.py.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import importlib
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator, Optional, Sequence

from support.installed import REPOSITORY, copy_relaypipe, program_of
from support.one_test import FAILED, PASSED, SKIPPED, Outcome, run_all
from support.private_machine import enter

TESTS = REPOSITORY / "test"
World = Callable[[], ContextManager[Any]]


@dataclass(frozen=True)
class Suite:
    """What is special about a suite. `alone`: tests with this in their name come last and one at a time, because they
    measure. `world` is entered before the first test and left after the last: servers they share."""

    alone: str = ""
    jobs: int = 2 * (os.cpu_count() or 1)
    needs_root: bool = False
    world: World = contextlib.nullcontext


def folders() -> dict[str, Path]:
    """The suites by their names."""
    found = (*TESTS.glob("system/*/suite.py"), *TESTS.glob("*/suite.py"))
    return {path.parent.name: path.parent for path in sorted(found) if path.parent.name != "support"}


def program(word: str) -> Optional[Path]:
    """`chaos/chaos` and the like: a file of a suite, or of another folder, that is no test."""
    names = [place / f"{word}.py" for place in (TESTS / "system", TESTS)]
    return next((path for path in names if path.is_file() and not path.name.startswith("test_")), None)


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from flat(each)
        else:
            yield each


def find_tests(folder: Path, files: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """By the names of modules, classes and methods, as unittest takes them; `test_race.py` is `test_race`."""
    chosen = [name.removesuffix(".py") for name in files] or sorted(path.stem for path in folder.glob("test_*.py"))
    loader = unittest.defaultTestLoader
    names = [test.id() for test in flat(loader.loadTestsFromNames(chosen))]
    if loader.errors:
        sys.exit("\n".join(loader.errors))
    wanted = [pattern if "*" in pattern else f"*{pattern}*" for pattern in patterns]
    return [n for n in names if not wanted or any(fnmatch.fnmatchcase(n, w) for w in wanted)]


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


def parse_arguments(description: str, words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="test", description=description, usage=argparse.SUPPRESS,
                                     formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="The last line is `N passed, N failed`; the exit status is 0 only when "
                                            "nothing failed and something passed.")
    parser.add_argument("--binary", type=Path, help="the program under test ($RELAYPIPE, or build/relaypipe)")
    parser.add_argument("--sanitized", action="store_true", help="it was built with sanitizers: nothing is measured")
    parser.add_argument("--long", action="store_true", help="the numbers that take minutes or hours, where a suite has such")
    parser.add_argument("-k", dest="patterns", metavar="PATTERN", action="append", default=[],
                        help="only tests whose name holds PATTERN, or matches it where it has a *")
    parser.add_argument("-j", dest="jobs", metavar="N", type=int, help="tests at a time")
    parser.add_argument("-v", dest="verbose", action="store_true", help="also name the tests that pass")
    parser.add_argument("--list", action="store_true", help="only name the tests")
    parser.add_argument("suite", nargs="?", default="")
    parser.add_argument("tests", nargs="*")
    found = parser.parse_args(words)
    found.suite, _, first = found.suite.partition("/")
    found.tests = [*([first] if first else []), *found.tests]
    if found.suite not in folders() and not (found.list and not found.suite):
        parser.error(f"no suite {found.suite!r}; there are {', '.join(folders())}")
    return found


def run_program(path: Path) -> int:
    """Its arguments are in sys.argv, as if it had been started itself."""
    sys.path.insert(0, str(path.parent))
    runpy.run_path(str(path), run_name="__main__")
    return 0    # one that ends otherwise says so by sys.exit()


def perform(suite: Suite, names: Sequence[str], arguments: argparse.Namespace) -> list[Outcome]:
    last = [name for name in names if suite.alone and suite.alone in name]
    outcomes = []
    with suite.world():
        for some, at_once in (([n for n in names if n not in last], arguments.jobs or suite.jobs), (last, 1)):
            for outcome in run_all(some, at_once):
                outcomes.append(outcome)
                show(outcome, arguments.verbose)
    return outcomes


def run_suite(arguments: argparse.Namespace) -> int:
    folder = folders()[arguments.suite]
    sys.path.insert(0, str(folder))
    suite: Suite = importlib.import_module("suite").SUITE
    names = find_tests(folder, arguments.tests, arguments.patterns)
    if arguments.list:
        print("\n".join(names))
        return 0
    if suite.needs_root and os.geteuid() != 0:
        print("these tests start mail servers of their own, which only root may do", file=sys.stderr)
        return 1
    binary = arguments.binary or Path(os.environ.get("RELAYPIPE") or REPOSITORY / "build" / "relaypipe")
    os.environ["RELAYPIPE_BUILD"] = str(binary.absolute().parent)    # where other programs of the build are
    with snapshot(binary.absolute()) as copy:
        os.environ["RELAYPIPE"] = str(copy)
        return summary(perform(suite, names, arguments))


def main(description: str, words: Sequence[str]) -> int:
    """All of it happens on a private machine (private_machine.py). Programs in Python that tests start find `support` too."""
    os.environ["PYTHONPATH"] = str(TESTS)
    enter()
    if words and (path := program(words[0])):
        sys.argv[:] = [str(path), *words[1:]]
        return run_program(path)
    arguments = parse_arguments(description, words)
    for name in ("sanitized", "long"):
        if getattr(arguments, name):
            os.environ[f"RELAYPIPE_{name.upper()}"] = "1"
    if not arguments.suite:
        print("\n".join(folders()))
        return 0
    # A time-out of ctest or a Ctrl-C must still end every server: both become an exception, here and in every test.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return run_suite(arguments)
