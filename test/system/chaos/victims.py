"""The deliveries of a Postfix that are running, as the kernel tells of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Protocol

from support.installed import program_of
from support.machine import process_state, processes, wait_until
from support.postfix import PostfixLab

TICKS = os.sysconf("SC_CLK_TCK")
BOOT = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class Victim:
    """A running relaypipe that is killed, or whose pipe(8) or lmtp(8) is, and what it delivers."""

    pid: int
    started: float
    queue_id: str
    recipients: list[str]    # of LMTP: empty until the log tells them


class Victims(Protocol):
    """The deliveries of one front end. What is asked about a process by its pid has stopped it where it has victims."""

    daemon: str    # who hands messages over

    def running(self) -> list[Victim]: ...

    def of_program(self, pid: int, descriptor: int) -> list[Victim]:
        """What a kill of this relaypipe would end."""

    def of_daemon(self, pid: int, descriptor: int, seconds: float) -> list[Victim]:
        """What a kill of this pipe(8) or lmtp(8) would leave alone; it may be watched for so long before."""


def running(program: Path) -> list[Victim]:
    """The relaypipe processes below a pipe(8) of this Postfix, which are those of this file."""
    return [found for pid, _, name in processes() if name == program.name and (found := victim(pid, program))]


def victim(pid: int, program: Path) -> Optional[Victim]:
    found = _process(pid, program)
    if not found or "--queue-id" not in found[1]:
        return None
    started, words = found
    end = len(words) - 1 - words[::-1].index("--")
    return Victim(pid, started, words[words.index("--queue-id") + 1], words[end + 1:])


def _process(pid: int, program: Path) -> Optional[tuple[float, list[str]]]:
    """When it started and its argv, if it is one of this file."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
        executable = Path(os.readlink(f"/proc/{pid}/exe"))
    except (OSError, IndexError):
        return None
    return (BOOT + ticks / TICKS, words) if executable in (program, program_of(program)) else None


def _stop(pid: int, descriptor: int) -> None:
    signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
    wait_until(lambda: process_state(pid) in ("T", "Z", ""), "the stop of a process")


class PipeVictims:
    daemon = "pipe"

    def __init__(self, lab: PostfixLab) -> None:
        self.lab = lab
        self._seen: dict[int, Victim] = {}

    def running(self) -> list[Victim]:
        return running(self.lab.program)

    def of_program(self, pid: int, descriptor: int) -> list[Victim]:
        return [found] if (found := victim(pid, self.lab.program)) else []

    def of_daemon(self, pid: int, descriptor: int, seconds: float) -> list[Victim]:
        """Stops a pipe(8), so that no other delivery begins before it is killed, and returns the one it has. Without
        one, or with one that ended before it was seen, it goes on: whose end it has not noted could not be told."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and process_state(pid):
            self._look(pid)
            time.sleep(0.001)
        if pid not in self.lab.daemons("pipe"):
            return []
        _stop(pid, descriptor)
        children = self._look(pid)
        if children and all(child in self._seen for child in children):
            return [self._seen[child] for child in children]
        signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        return []

    def _look(self, pipe: int) -> list[int]:
        """The children of a pipe(8), and into _seen what the new ones are, as long as they run."""
        try:
            children = [int(pid) for pid in Path(f"/proc/{pipe}/task/{pipe}/children").read_text().split()]
        except OSError:
            return []
        for pid in children:
            if found := victim(pid, self.lab.program):
                self._seen[pid] = found
        return children


class LmtpVictims:
    """An lmtp(8) has the queue file of its message open until the result is noted, and is the other end of the socket
    that its relaypipe has for standard input."""

    daemon = "lmtp"

    def __init__(self, lab: PostfixLab) -> None:
        self.lab = lab

    def running(self) -> list[Victim]:
        return self._serving(self.lab.daemons("lmtp"))

    def of_program(self, pid: int, descriptor: int) -> list[Victim]:
        if not _process(pid, self.lab.program):
            return []
        _stop(pid, descriptor)
        if found := [each for each in self.running() if each.pid == pid]:
            return found
        signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        return []

    def of_daemon(self, pid: int, descriptor: int, seconds: float) -> list[Victim]:
        time.sleep(seconds)
        if pid not in self.lab.daemons("lmtp"):
            return []
        _stop(pid, descriptor)
        if found := self._serving([pid]):
            return found
        signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        return []

    def _serving(self, daemons: list[int]) -> list[Victim]:
        messages = {}
        for pid in daemons:
            sockets, queue_id = _open_files(pid)
            messages.update({inode: queue_id for inode in sockets if queue_id})
        peers = _unix_peers()
        found = []
        for pid, _, name in processes():
            known = name == self.lab.program.name and _process(pid, self.lab.program)
            if not known:
                continue
            queue_id = messages.get(peers.get(_inode(f"/proc/{pid}/fd/0"), ""))
            if queue_id:
                found.append(Victim(pid, known[0], queue_id, []))
        return found


def _inode(path: str) -> str:
    try:
        found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(path))
    except OSError:
        return ""
    return found[1] if found else ""


def _open_files(pid: int) -> tuple[list[str], str]:
    """The sockets of a delivery agent, and the message it has open."""
    sockets, queue_id = [], ""
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            if inode := _inode(entry.path):
                sockets.append(inode)
            elif found := re.search(r"/active/(?:\w/)*(\w+)$", os.readlink(entry.path)):
                queue_id = found[1]
    except OSError:
        pass    # it ended meanwhile
    return sockets, queue_id


def _unix_peers() -> dict[str, str]:
    """The inode of the other end, by that of each connected socket."""
    lines = subprocess.run(["ss", "-xH"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [line.split() for line in lines]
    return {row[5]: row[7] for row in rows if len(row) >= 8}
