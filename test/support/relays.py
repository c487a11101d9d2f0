"""The parts a test is made of: relays that are started and stopped, dead addresses, the log socket.

The delivery itself is in runs.py, the base class in case.py.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, Optional

from support.installed import REPOSITORY
from support.scripted_relay.process import RelayProcess

DIALOGUES = Path(__file__).resolve().parent / "dialogues"
MARK = b"what was logged so far"    # no program logs this
LIMIT = 30.0    # no single wait of a test is longer; reached only when something hangs


def binary_path() -> Path:
    return Path(os.environ.get("RELAYPIPE") or REPOSITORY / "build" / "relaypipe").absolute()


def has_ipv6() -> bool:
    """Containers often have no ::1."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


class Connection(dict[str, Any]):
    """One journal entry, with the questions tests ask most."""

    def __repr__(self) -> str:
        """Short: it is for the report of a test that failed."""
        transactions = [{key: value for key, value in t.items() if key != "content"} for t in self["transactions"]]
        return f"<connection {self['connection']}, {self.verbs}, {transactions}, ended: {self['ended']}>"

    @property
    def verbs(self) -> list[str]:
        return [command["line"].split(" ")[0].upper() for command in self["commands"]]

    @property
    def lines(self) -> list[str]:
        return [command["line"] for command in self["commands"]]

    def reads_of(self, *verbs: str) -> list[int]:
        """In which recv each of these commands was complete."""
        return [c["read"] for c in self["commands"] if c["line"].split(" ")[0].upper() in verbs]


def content_of(transaction: dict[str, Any]) -> bytes:
    found = transaction["content"]
    if "file" in found:
        return Path(found["file"]).read_bytes()
    return base64.b64decode(found["base64"])


class Relay:
    """A scripted relay in a process of its own. The journal may be asked once it is stopped."""

    def __init__(self, script: str, journal: Path, listen: str = "127.0.0.1", port: int = 0) -> None:
        self.journal = journal
        self._connections: Optional[list[Connection]] = None
        self._events: queue.Queue[Optional[str]] = queue.Queue()
        self._process = RelayProcess(["--trace", "--watch-stdin", "--journal", str(journal), "--listen", listen,
                                      "--port", str(port), *self._script_option(script)])
        ready = self._process.trace.readline().split()
        if len(ready) != 3 or ready[0] != "ready":
            raise RuntimeError(f"the relay did not start: {ready}")
        self.host, self.port = ready[1], int(ready[2])
        self._reader = threading.Thread(target=self._read_trace, daemon=True)
        self._reader.start()

    @staticmethod
    def _script_option(script: str) -> list[str]:
        named = DIALOGUES / f"{script}.relay"
        return ["--script", str(named)] if script and " " not in script and named.exists() else ["--dialogue", script]

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def destination(self) -> str:
        return f"[ipv6:{self.host}]:{self.port}" if ":" in self.host else f"[{self.host}]:{self.port}"

    @property
    def name(self) -> str:
        """How Postfix writes it in texts and log lines: host[ip]:port."""
        return f"{self.host}[{self.host}]:{self.port}"

    def wait_for(self, event: str, limit: float = LIMIT) -> None:
        """Returns when a dialogue has reached the stage; `dot done`, `content+1000` and `end` count too."""
        give_up = time.monotonic() + limit
        while True:
            try:
                found = self._events.get(timeout=max(give_up - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"relay {self.port} never reached {event!r}") from None
            if found is None:
                raise AssertionError(f"relay {self.port} ended before {event!r}")
            if found.split(" ", 1)[1] == event:
                return

    def release(self) -> None:
        self._process.send(signal.SIGUSR1)

    def stop(self) -> list[Connection]:
        if self._connections is None:
            self._process.stop(LIMIT)
            self._reader.join(LIMIT)
            self._process.trace.close()
            lines = self.journal.read_text(encoding="utf-8").splitlines() if self.journal.exists() else []
            found = [Connection(json.loads(line)) for line in lines]
            self._connections = sorted(found, key=lambda c: c["connection"])
        return self._connections

    @property
    def connections(self) -> list[Connection]:
        return self.stop()

    @property
    def transactions(self) -> list[dict[str, Any]]:
        """Every MAIL command the relay was sent, refused ones too."""
        return [t for connection in self.stop() for t in connection["transactions"]]

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [t for t in self.transactions if t["accepted"]]

    @property
    def dots(self) -> int:
        return sum(t["dot"] for t in self.transactions)

    @property
    def violations(self) -> list[str]:
        return [v for connection in self.stop() for v in connection["violations"]]

    def _read_trace(self) -> None:
        for line in self._process.trace:
            self._events.put(line.rstrip("\n"))
        self._events.put(None)


class RefusedPort:
    """An address where connect(2) is refused, and which no other test can get meanwhile."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.bind((host, port))
        self.host, self.port = self._socket.getsockname()[:2]
        self.destination = f"[ipv6:{host}]:{self.port}" if ":" in host else f"[{host}]:{self.port}"

    def stop(self) -> None:
        self._socket.close()


class BlackHole(RefusedPort):
    """An address that drops SYN: a listener whose accept queue is full and never emptied."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._socket.listen(0)
        self._fillers = []
        for _ in range(4):
            filler = socket.socket(self._socket.family)
            filler.setblocking(False)
            filler.connect_ex((self.host, self.port))
            self._fillers.append(filler)

    def stop(self) -> None:
        for filler in self._fillers:
            filler.close()
        super().stop()


class SyslogSink:
    """The datagram socket that stands in for /dev/log."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self._read: queue.Queue[bytes] = queue.Queue()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        path.chmod(0o666)    # some tests run the program as another user
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def so_far(self) -> list[str]:
        """Everything sent before this call, while the log goes on: datagrams keep their order, and a mark is one."""
        if self._thread.is_alive():
            self._send(MARK)
            self._read.get(timeout=LIMIT)
        return list(self.lines)

    def stop(self) -> list[str]:
        """Everything sent before this call; datagrams keep their order, so an empty one ends the list."""
        if self._thread.is_alive():
            self._send(b"")
            self._thread.join(LIMIT)
            self._socket.close()
        return self.lines

    def _collect(self) -> None:
        while data := self._socket.recv(65536):
            if data == MARK:
                self._read.put(data)
            else:
                self.lines.append(data.decode("utf-8", "replace").rstrip("\n\0"))

    def _send(self, octets: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(octets, str(self.path))
