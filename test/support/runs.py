"""Runs the program as Postfix's pipe(8) does.

stdout and stderr are one pipe whose write end is O_NONBLOCK, the session is new, SIGPIPE and SIGXFSZ are
ignored, the environment is nearly empty, and the parent writes the whole message before it reads.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterable, Optional, Union

from support.relays import LIMIT

PIPE_PARENT = Path(__file__).resolve().parent / "pipe_parent.py"
PR_SET_CHILD_SUBREAPER = 36
Message = Union[bytes, Iterable[bytes]]


@dataclass
class Result:
    status: int          # exit status, or the negative number of a signal
    output: bytes        # stdout, and stderr too unless it was kept apart
    stderr: bytes
    seconds: float
    peak_rss: int        # KiB: VmHWM while it ran when measured, else the (coarser) figure of wait4
    argv: list[str]

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")

    def __str__(self) -> str:
        return f"exit {self.status} after {self.seconds:.2f} s: {self.text!r}\n  {' '.join(self.argv)!r}"


@dataclass
class Surroundings:
    """What differs from a plain run of pipe(8)."""

    directory: Path
    separate_stderr: bool = False
    keep_stdin_file: Optional[int] = None     # a descriptor used as stdin in place of a pipe
    file_size_limit: Optional[int] = None     # stands in for a full disk: write(2) fails beyond it
    user: Optional[str] = None
    orphan: bool = False                      # an intermediate parent that Delivery.kill_parent() kills
    measure_rss: bool = False
    closed_output: bool = False               # the reader is gone before the program starts
    environment: dict[str, str] = field(default_factory=dict)    # more of it, as export_environment hands out


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return {"PATH": "/usr/bin:/bin", "MAIL_CONFIG": "/etc/postfix", "LANG": "C", "TZ": "UTC", **kept}


class Delivery:
    """A running delivery whose stdin, output and parent the test holds in its hands."""

    def __init__(self, argv: list[str], around: Surroundings) -> None:
        self.argv = argv
        self.started = time.monotonic()
        self._around = around
        self._parent: Optional[subprocess.Popen[bytes]] = None
        self._peak = 0
        self._error_chunks: list[bytes] = []
        stdin, self._input = self._input_pipe()
        self._output, stdout = os.pipe()
        os.set_blocking(stdout, False)
        self._errors, stderr = os.pipe() if around.separate_stderr else (-1, os.dup(stdout))
        if around.closed_output:
            self.close_output()
        start = self._start_orphan if around.orphan else self._start_child
        self.pid = start(stdin, stdout, stderr)
        for fd in (stdin, stdout, stderr):
            os.close(fd)
        self._threads = self._start_watchers()

    def _input_pipe(self) -> tuple[int, int]:
        if self._around.keep_stdin_file is not None:
            return os.dup(self._around.keep_stdin_file), -1
        read, write = os.pipe()
        os.set_blocking(write, False)    # our own end only: the program's end stays blocking
        return read, write

    def _start_child(self, stdin: int, stdout: int, stderr: int) -> int:
        limit = self._around.file_size_limit

        def restrict() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        # restore_signals=False: Python ignores SIGPIPE and SIGXFSZ, and so does pipe(8).
        child = subprocess.Popen(self.argv, stdin=stdin, stdout=stdout, stderr=stderr,
                                 env={**environment(), **self._around.environment},
                                 cwd=self._around.directory, start_new_session=True, restore_signals=False,
                                 umask=0o077, user=self._around.user,
                                 preexec_fn=restrict if limit is not None else None)
        child.returncode = 0    # the child is reaped in wait(), where its resource usage is wanted
        return child.pid

    def _start_orphan(self, stdin: int, stdout: int, stderr: int) -> int:
        # As subreaper this process inherits the program when its parent dies, and can still wait for it.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        read, write = os.pipe()
        self._parent = subprocess.Popen(
            [sys.executable, "-E", "-S", str(PIPE_PARENT), str(write), *self.argv],
            stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=[write], env={**environment(), **self._around.environment},
            cwd=self._around.directory, start_new_session=True, restore_signals=False)
        os.close(write)
        with os.fdopen(read) as answer:
            return int(answer.readline())

    def _start_watchers(self) -> list[threading.Thread]:
        threads = []
        if self._errors >= 0:
            threads.append(threading.Thread(target=self._read_errors, daemon=True))
        if self._around.measure_rss:
            threads.append(threading.Thread(target=self._watch_memory, daemon=True))
        for thread in threads:
            thread.start()
        return threads

    def _read_errors(self) -> None:
        while data := os.read(self._errors, 65536):
            self._error_chunks.append(data)
        os.close(self._errors)

    def _watch_memory(self) -> None:
        # wait4's figure starts at the size of this Python process, which would hide the program's own.
        while True:
            try:
                status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
            except OSError:
                return
            peaks = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
            if not peaks:
                return    # a zombie has no memory any more
            self._peak = max(self._peak, peaks[0])
            time.sleep(0.01)

    # -- what pipe(8) does, step by step --------------------------------------------------------

    def feed(self, message: Message) -> None:
        """Writes to stdin; a program that has closed it early is fine, one that never reads is not."""
        chunks = [message] if isinstance(message, bytes) else message
        poll = select.poll()
        poll.register(self._input, select.POLLOUT)
        for chunk in chunks:
            view = memoryview(chunk)
            while view:
                if not poll.poll(LIMIT * 1000):
                    self.abandon("stdin was not read")
                try:
                    view = view[os.write(self._input, view):]
                except BrokenPipeError:
                    return

    def end_input(self) -> None:
        if self._input >= 0:
            os.close(self._input)
            self._input = -1

    def close_output(self) -> None:
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill_parent(self) -> None:
        assert self._parent, "only a delivery with orphan=True has a parent to lose"
        self._parent.kill()
        self._parent.wait(LIMIT)

    def abandon(self, why: str) -> None:
        os.kill(self.pid, signal.SIGKILL)
        if self._parent:
            self.kill_parent()
        os.waitpid(self.pid, 0)
        raise AssertionError(f"{why}; killed after {time.monotonic() - self.started:.1f} s: {self.argv}")

    def wait(self, limit: float = LIMIT) -> Result:
        """Reads all output, then the exit status. Ends stdin first, unless that was done already."""
        self.end_input()
        return self.wait_as_is(limit)

    def wait_as_is(self, limit: float = LIMIT) -> Result:
        """As wait(), but stdin stays as it is."""
        give_up = time.monotonic() + limit
        output = self._read_output(give_up)
        if self._parent and self._parent.poll() is None:
            self._parent.wait(limit)
            raise AssertionError("the intermediate parent must be killed before the wait")
        watch = select.poll()
        descriptor = os.pidfd_open(self.pid)
        watch.register(descriptor, select.POLLIN)
        if not watch.poll(max(give_up - time.monotonic(), 0) * 1000):
            self.abandon("the program did not end")
        seconds = time.monotonic() - self.started
        _, status, usage = os.wait4(self.pid, 0)
        for thread in self._threads:
            thread.join(LIMIT)
        os.close(descriptor)
        self.close_output()
        self.end_input()
        return Result(os.waitstatus_to_exitcode(status), output, b"".join(self._error_chunks), seconds,
                      self._peak or usage.ru_maxrss, self.argv)

    def _read_output(self, give_up: float) -> bytes:
        found = bytearray()
        poll = select.poll()
        if self._output >= 0:
            poll.register(self._output, select.POLLIN)
        while self._output >= 0:
            if not poll.poll(max(give_up - time.monotonic(), 0) * 1000):
                self.abandon(f"the program did not end, output so far {bytes(found)!r}")
            data = os.read(self._output, 65536)
            if not data:
                break
            found += data
        return bytes(found)


def run(argv: list[str], message: Message, around: Surroundings, limit: float = LIMIT) -> Result:
    delivery = Delivery(argv, around)
    if around.keep_stdin_file is None:
        delivery.feed(message)
    return delivery.wait(limit)
