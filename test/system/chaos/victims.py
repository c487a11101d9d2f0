"""The deliveries of a Postfix that are running, as the kernel tells of them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from support.installed import program_of
from support.machine import processes

TICKS = os.sysconf("SC_CLK_TCK")
BOOT = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass
class Victim:
    """A running relaypipe that is killed, or whose pipe(8) is."""

    pid: int
    started: float
    queue_id: str
    recipients: list[str]


def running(program: Path) -> list[Victim]:
    """The relaypipe processes of this Postfix, which are those of this file."""
    return [found for pid, _, name in processes() if name == program.name and (found := victim(pid, program))]


def victim(pid: int, program: Path) -> Optional[Victim]:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
        executable = Path(os.readlink(f"/proc/{pid}/exe"))
    except (OSError, IndexError):
        return None
    if executable not in (program, program_of(program)) or "--queue-id" not in words:
        return None
    end = len(words) - 1 - words[::-1].index("--")
    return Victim(pid, BOOT + ticks / TICKS, words[words.index("--queue-id") + 1], words[end + 1:])
