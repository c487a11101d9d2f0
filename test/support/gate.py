"""Stops a delivery at a chosen moment, so that a test can kill what it likes there without any timing."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
from pathlib import Path

from support.installed import copy_relaypipe
from support.machine import process_state, wait_until

PIPE_CAPACITY = 65536


class Gate:
    """Stands in front of the program: while the gate is shut, a delivery stops itself before the program starts.

    pipe(8) then fills the pipe to stdin and waits. The process keeps its pid and its parent when it goes on.
    """

    def __init__(self, directory: Path, program: Path) -> None:
        self._directory = directory / "gate"
        self._directory.mkdir()
        self._directory.chmod(0o777)  # the delivery runs as an unprivileged user
        self._real = copy_relaypipe(program, self._directory / "relaypipe")
        self._hold = self._directory / "hold"
        self.program = self._directory / "gate"
        self.program.write_text(
            "#!/bin/sh\n"
            f"cd {self._directory}\n"
            "echo $$ > pid.new && mv pid.new pid\n"
            "if [ -e hold ]; then kill -STOP $$; fi\n"
            f'exec {self._real} "$@"\n'
        )
        self.program.chmod(0o755)

    def shut(self) -> None:
        self._hold.touch()

    def open(self) -> None:
        self._hold.unlink()

    def stopped_delivery(self) -> Helper:
        """Waits for a delivery that stands at the gate."""
        helper = self.delivery()
        wait_until(lambda: process_state(helper.pid) == "T", "the delivery to stop at the gate")
        return helper

    def delivery(self) -> Helper:
        """Waits for the next delivery."""
        pid_file = self._directory / "pid"
        wait_until(pid_file.exists, "a delivery")
        pid = int(pid_file.read_text())
        pid_file.unlink()
        return Helper(pid)


class Helper:
    """A running delivery."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait_stopped(self) -> None:
        wait_until(lambda: process_state(self.pid) == "T", "the delivery to stop")

    def wait_gone(self) -> None:
        wait_until(lambda: process_state(self.pid) in ("", "Z"), "the end of the delivery")

    def unread(self) -> int:
        """Octets waiting in the pipe to stdin."""
        descriptor = os.open(f"/proc/{self.pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        try:
            return struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4))[0]
        finally:
            os.close(descriptor)

    def wait_pipe_full(self) -> None:
        wait_until(lambda: self.unread() > PIPE_CAPACITY - 4096, "a full pipe to stdin")

    def wait_pipe_empty(self) -> None:
        wait_until(lambda: self.unread() == 0, "the program to read stdin")
