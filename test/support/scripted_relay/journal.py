"""The journal of a scripted relay: one JSON object per connection, written when the connection ends."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Optional


@dataclass
class Command:
    line: str
    read: int                      # the recv in which the line was complete: equal numbers came in one segment
    reply: Optional[str] = None    # None: never answered, or not to the last octet


@dataclass
class Transaction:
    mail_from: str
    mail_params: list[str]
    mail_reply: Optional[str] = None
    recipients: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    data_reply: Optional[str] = None
    content: Optional[dict[str, object]] = None
    dot: bool = False
    dot_reply: Optional[str] = None
    accepted: bool = False         # the relay sent a whole 2yz reply to the dot, for at least one recipient


@dataclass
class Login:
    """An AUTH exchange; the secret is what went over the wire, decoded: a password, a digest or a token."""

    mechanism: str
    encrypted: bool
    said: list[str] = field(default_factory=list)    # every response, decoded
    user: str = ""
    secret: str = ""
    accepted: bool = False         # the credentials were right, whatever a rule made the relay say


@dataclass
class Record:
    connection: int
    peer: str
    greeted: bool = False
    tls: Optional[str] = None      # its version, once the handshake is complete
    server_name: Optional[str] = None
    ehlo: Optional[str] = None     # the last one: a handshake makes the relay forget it
    logins: list[Login] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    quit: bool = False
    violations: list[str] = field(default_factory=list)
    octets_sent: int = 0
    ended: str = ""
    seconds: float = 0.0


class Journal:
    def __init__(self, path: Optional[Path], trace: bool) -> None:
        self._path = path
        self._trace = trace
        self._lock = threading.Lock()

    def side_file(self, connection: int, transaction: int) -> Path:
        base = str(self._path) if self._path else f"/tmp/scripted-relay.{connection}"
        return Path(f"{base}.content-{connection}-{transaction}")

    def write(self, record: Record) -> None:
        if not self._path:
            return
        line = json.dumps(asdict(record)) + "\n"
        with self._lock, open(self._path, "a", encoding="utf-8") as out:
            out.write(line)

    def trace(self, connection: int, event: str) -> None:
        """Tells a watching test how far the dialogue is, so that no test has to sleep."""
        if not self._trace:
            return
        with self._lock:
            sys.stdout.write(f"{connection} {event}\n")
            sys.stdout.flush()
