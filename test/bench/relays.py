"""The relays of the measurements: bench_relay, which costs as little as it can, and three that are no use."""

from __future__ import annotations

import collections
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Counter, Optional, Tuple

from support.machine import wait_until
from support.mail_servers import SIMPLE_PASSWORD, SIMPLE_USER, base64_of
from support.networks import NOWHERE


PORT, SUBMISSION = 2525, 587
AUTH_PLAIN = base64_of(f"\0{SIMPLE_USER}\0{SIMPLE_PASSWORD}")


@dataclass(frozen=True)
class Hop:
    """A relay as a program is told of it; `secure` means STARTTLS with a verified certificate, and AUTH PLAIN."""

    host: str
    port: int = PORT
    secure: bool = False

    @property
    def destination(self) -> str:
        return f"[{self.host}]:{self.port}"


REFUSED = Hop("127.0.0.9")          # nobody listens there
BLACK_HOLE = Hop(NOWHERE[0])        # packets leave and nobody ever answers


def listens(address: str, port: int) -> bool:
    """By the kernel's table, since a connection would be seen by the relay."""
    digits = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
    rows = (line.split() for line in Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:])
    return any(row[1] == f"{digits}:{port:04X}" and row[3] == "0A" for row in rows)


class Relay:
    """A bench_relay. `hop` is how programs reach it."""

    def __init__(self, program: Path, journal: Path, address: str, *, host: str = "",
                 certificate: Optional[Path] = None) -> None:
        port = SUBMISSION if certificate else PORT
        self.hop = Hop(host or address, port, certificate is not None)
        self.address = address
        self._journal = journal
        secret = [str(certificate), AUTH_PLAIN] if certificate else []
        command = [str(program), address, str(port), str(journal), *secret]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(lambda: self._process.poll() is not None or listens(address, port), "bench_relay")
        if self._process.poll() is not None:
            raise RuntimeError(f"bench_relay ended with {self._process.returncode}")

    def accepted(self) -> Counter[Tuple[str, int]]:
        """Recipient and octets of every message, and how often it was taken."""
        rows = (line.rsplit(" ", 1) for line in self._journal.read_text().splitlines())
        return collections.Counter((recipient, int(octets)) for recipient, octets in rows)

    def fall_silent(self) -> None:
        """From now on connections are taken by the kernel, and nobody greets."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
