"""One delivery, measured: CPU and wall time, peak memory, instructions."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

from programs import RECIPIENT, SENDER, Envelope, Program
from support import callgrind


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C"}    # what pipe(8) hands on
WARM_UP = 3

_numbers = itertools.count(1)


def message(size: int) -> bytes:
    header = f"From: {SENDER}\nTo: {RECIPIENT}\nSubject: cost of a delivery\n\n".encode()
    line = b"A line of an ordinary message, as long as such lines are on the average.\n"
    return header + line * max(1, (size - len(header)) // len(line))


def envelope(content: bytes) -> Envelope:
    """With a queue id of its own: what was accepted under the same one would be taken over, and not be delivered."""
    return Envelope(f"4BENCH{next(_numbers):06}", str(len(content)))


def filled_pipe(content: bytes) -> int:
    """The read end of a pipe that already holds the whole message: no feeding process disturbs the measurement."""
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, max(65536, len(content)))
    os.set_blocking(write_end, False)
    written = os.write(write_end, content)
    os.close(write_end)
    if written != len(content):
        raise SystemExit("the message does not fit into a pipe; choose a smaller --size")
    return read_end


@dataclass
class Cost:
    """Seconds of one delivery: user and system time as the kernel counts them (wait4), and wall time."""

    cpu: float
    wall: float


@dataclass
class Costs:
    """Of several deliveries by one program."""

    program: Program
    runs: list[Cost] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Median, in milliseconds."""
        return 1000 * statistics.median(run.cpu for run in self.runs)

    @property
    def wall(self) -> float:
        return 1000 * statistics.median(run.wall for run in self.runs)


@dataclass
class Started:
    pid: int
    began: float
    output: int
    name: str

    def end(self) -> Cost:
        """Waits for the end, which must be a good one."""
        _, status, usage = os.wait4(self.pid, 0)
        wall = time.perf_counter() - self.began
        with os.fdopen(self.output, "rb") as stream:
            said = stream.read().decode(errors="replace")
        if status != 0:
            raise SystemExit(f"{self.name} ended with status {os.waitstatus_to_exitcode(status)}: {said}")
        return Cost(usage.ru_utime + usage.ru_stime, wall)


def start(program: Program, stdin: int, called_with: Envelope) -> Started:
    """Closes `stdin` here."""
    output, stdout = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1), (os.POSIX_SPAWN_DUP2, stdout, 2)]
    command = program.arguments(called_with)
    began = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, ENVIRONMENT, file_actions=actions)
    os.close(stdin)
    os.close(stdout)
    return Started(pid, began, output, program.name)


def deliver(program: Program, content: bytes) -> Cost:
    return start(program, filled_pipe(content), envelope(content)).end()


def take_turns(programs: Sequence[Program], content: bytes, count: int) -> list[Costs]:
    """Whatever else the machine does strikes all alike."""
    found = [Costs(program) for program in programs]
    for round_number in range(WARM_UP + count):
        for each in found:
            cost = deliver(each.program, content)
            if round_number >= WARM_UP:
                each.runs.append(cost)
    return found


def deliver_file(program: Program, path: Path, watched: bool = False) -> tuple[Cost, int]:
    """The same with a message that is too large for a pipe, so that somebody has to feed it; and the peak of its memory
    in KiB if it is `watched`, which disturbs it a little. The kernel's own ru_maxrss begins with what this process has.
    """
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as cat:
        assert cat.stdout
        called_with = Envelope(f"4BENCH{next(_numbers):06}", str(path.stat().st_size))
        started = start(program, os.dup(cat.stdout.fileno()), called_with)
        cat.stdout.close()
        peak = peak_rss(started.pid) if watched else 0
        return started.end(), peak


def peak_rss(pid: int) -> int:
    """Looks until the process is at its end, and leaves that to who waits for it."""
    peak = 0
    while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        peak = max(peak, high_water(pid))
        time.sleep(0.001)
    return peak


def high_water(pid: int) -> int:
    """The peak of its memory so far, in KiB; nothing of a process that has given it back."""
    found = re.search(r"^VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def instructions(program: Program, content: bytes) -> int:
    """As callgrind counts them, of all processes of one delivery: the same on every run of the same build."""
    command = [*callgrind.COMMAND, *program.arguments(envelope(content))]
    done = subprocess.run(command, input=content, capture_output=True, env=ENVIRONMENT)
    found = callgrind.instructions(done.stderr)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"{program.name}: {(done.stdout + done.stderr[-500:]).decode(errors='replace')}")
    return found
