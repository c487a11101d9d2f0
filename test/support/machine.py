"""Small things the Postfix tests share: waiting, processes, ports, the log socket."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from pathlib import Path
from typing import Callable, TypeVar

PATIENCE = 60.0  # upper bound of every wait; reached only when something is broken

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, limit: float = PATIENCE) -> T:
    """Returns the first true value of the condition; asks again at short intervals."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit:.0f} s in vain for {what}")
        time.sleep(0.01)


def processes() -> list[tuple[int, int, str]]:
    """Pid, parent and name of every process."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            before, after = (entry / "stat").read_text().rsplit(")", 1)
        except OSError:  # it ended meanwhile
            continue
        found.append((int(entry.name), int(after.split()[1]), before.split("(", 1)[1]))
    return found


def process_state(pid: int) -> str:
    """The kernel's letter for the process (R, S, T stopped, Z), or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def free_port() -> int:
    """A loopback port outside the range the kernel gives to clients: no outgoing connection takes it meanwhile."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10240, max(10440, min(low, 32768))), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free loopback port")


def is_listening(port: int) -> bool:
    """Looks into the kernel's table instead of connecting: a connection would be seen by the relay under test."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


class SyslogSocket:
    """Takes the datagrams relaypipe sends to syslog and appends them to the mail log."""

    def __init__(self, path: Path, log: Path) -> None:
        self._log = log
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._log.open("ab", buffering=0) as log:
            while datagram := self._socket.recv(65536):
                text = re.sub(rb"^<\d+>", b"", datagram).rstrip(b"\0\n")
                log.write(text + b"\n")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # ends recv with an empty datagram
        self._thread.join()
        self._socket.close()
