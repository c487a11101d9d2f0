"""Tests as processes: every test is forked, its output kept in a file, and it is ended when it takes too long."""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import tempfile
import time
import traceback
import unittest
from collections import deque
from dataclasses import dataclass
from typing import IO, Any, Iterator, NoReturn, Sequence

LIMIT = 240.0          # seconds for one test; reached only when something hangs
LONG_LIMIT = 3600.0    # where the numbers that take minutes are asked for
LAST_WORDS = 20.0      # seconds in which a test that was told to end can still end its servers
PASSED, FAILED, SKIPPED = 0, 1, 77


def limit() -> float:
    return LONG_LIMIT if os.environ.get("RELAYPIPE_LONG") else LIMIT


@dataclass
class Outcome:
    name: str
    status: int
    seconds: float
    report: str


class Report(unittest.TestResult):
    """Prints every failure as it happens, while the test's servers are still there to be asked about it."""

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

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        print(f"{test} passed, but is marked as one that fails")

    def _show(self, test: unittest.TestCase, trace: str) -> None:
        print(trace, flush=True)
        if describe := getattr(test, "describe_failure", None):
            print(describe(), flush=True)


def perform(name: str) -> int:
    """Runs one test in this process."""
    report = Report()
    unittest.defaultTestLoader.loadTestsFromName(name).run(report)
    if not report.wasSuccessful() or report.testsRun > 1:
        return FAILED
    if report.skipped:
        print(report.skipped[-1][1])
        return SKIPPED
    return PASSED if report.testsRun == 1 else FAILED


class Running:
    """A test at work."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = time.monotonic()
        self.give_up = self.began + limit()
        self._told_to_end = False
        self._output: IO[bytes] = tempfile.TemporaryFile()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._child()
        self.descriptor = os.pidfd_open(self.pid)

    def _child(self) -> NoReturn:
        """Never returns into the parent's code, and does not run what the parent has registered for its end."""
        status = FAILED
        try:
            atexit._clear()
            for stream in (sys.stdout, sys.stderr):
                os.dup2(self._output.fileno(), stream.fileno())
            with open(os.devnull, "rb") as nothing:
                os.dup2(nothing.fileno(), 0)
            status = perform(self.name)
            atexit._run_exitfuncs()
        except BaseException:
            traceback.print_exc()
            status = FAILED
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def overdue(self) -> bool:
        return time.monotonic() > self.give_up

    def end(self) -> None:
        """Asks it to end, which lets it stop what it has started; the second time it is not asked any more."""
        os.kill(self.pid, signal.SIGKILL if self._told_to_end else signal.SIGTERM)
        self._told_to_end, self.give_up = True, time.monotonic() + LAST_WORDS

    def outcome(self) -> Outcome:
        """Waits for its end."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        code = os.waitstatus_to_exitcode(status)
        self._output.seek(0)
        with self._output:
            report = self._output.read().decode("utf-8", "replace")
        if code not in (PASSED, FAILED, SKIPPED):
            report += f"its process ended with {code}\n"
        if self._told_to_end:
            report += f"it took longer than {limit():.0f} s and was ended\n"
        failed = self._told_to_end or code not in (PASSED, SKIPPED)
        return Outcome(self.name, FAILED if failed else code, time.monotonic() - self.began, report)


def end_all(running: dict[int, Running]) -> None:
    for test in running.values():
        test.end()
    for test in running.values():
        test.outcome()


def run_all(names: Sequence[str], jobs: int) -> Iterator[Outcome]:
    """Every test's outcome, as they end; `jobs` of them run at a time."""
    waiting, running = deque(names), {}
    poll = select.poll()
    try:
        while waiting or running:
            while waiting and len(running) < max(jobs, 1):
                test = Running(waiting.popleft())
                running[test.descriptor] = test
                poll.register(test.descriptor, select.POLLIN)
            for descriptor, _ in poll.poll(1000):
                poll.unregister(descriptor)
                yield running.pop(descriptor).outcome()
            for test in running.values():
                if test.overdue():
                    test.end()
    finally:
        end_all(running)
