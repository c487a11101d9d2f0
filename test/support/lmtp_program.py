"""`relaypipe lmtp` as spawn(8) runs it, with the test in the place of lmtp(8).

Its descriptors 0, 1 and 2 are one blocking socket, the session is new, SIGPIPE is ignored, and the environment is nearly
empty. The test holds the other end: it sends what it likes, in whole batches as lmtp(8) does, and reads replies.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Sequence

from support.relays import LIMIT
from support.runs import environment
from support.wire import wire_form

DOT = b".\r\n"


class LmtpProgram:
    """A running process. Replies are texts without their line ends; a reply of several lines has them joined by LF."""

    def __init__(self, argv: Sequence[str], directory: Path) -> None:
        self.argv = list(argv)
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(LIMIT)
        with theirs:
            # restore_signals=False: Python ignores SIGPIPE and SIGXFSZ, and so does spawn(8).
            self._process = subprocess.Popen(self.argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(),
                                             cwd=directory, start_new_session=True, restore_signals=False, umask=0o077)
        self.pid = self._process.pid
        self._input = bytearray()

    def may_be_silent(self, seconds: float) -> None:
        """How long it may say nothing before the test gives it up."""
        self._socket.settimeout(seconds)

    # -- the dialogue -------------------------------------------------------------------------

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def say(self, *lines: str) -> None:
        """All of them at once."""
        self.send("".join(f"{line}\r\n" for line in lines).encode())

    def line(self) -> str:
        while b"\n" not in self._input:
            data = self._socket.recv(65536)
            if not data:
                raise EOFError(f"the program ended the connection, having said {bytes(self._input)!r}")
            self._input += data
        line, _, rest = bytes(self._input).partition(b"\n")
        self._input[:] = rest
        if not line.endswith(b"\r"):
            raise AssertionError(f"a line without CR: {line!r}")
        return line[:-1].decode()

    def reply(self) -> str:
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def replies(self, count: int) -> list[str]:
        return [self.reply() for _ in range(count)]

    def ask(self, *lines: str) -> list[str]:
        """A reply to each of these lines."""
        self.say(*lines)
        return self.replies(len(lines))

    def has_ended(self) -> bool:
        """Whether it closed the connection, and said nothing before."""
        return not self._input and self._socket.recv(1) == b""

    def hello(self) -> str:
        """From the greeting to the reply to LHLO, which it returns."""
        self._expect("220 ", self.reply())
        (reply,) = self.ask("LHLO lab.example")
        self._expect("250", reply)
        return reply

    # -- messages -----------------------------------------------------------------------------

    def begin(self, *recipients: str, sender: str = "sender@example.org", queue_id: str = "", mail: str = "",
              rcpt: str = "") -> None:
        """A transaction up to the reply to DATA. `mail` and `rcpt`: parameters."""
        xforward = [f"XFORWARD IDENT={queue_id}"] if queue_id else []
        ends = [f" {words}" if words else "" for words in (mail, rcpt)]
        found = self.ask(*xforward, f"MAIL FROM:<{sender}>{ends[0]}",
                         *(f"RCPT TO:<{each}>{ends[1]}" for each in recipients), "DATA")
        for reply in found[:-1]:
            self._expect("250 ", reply)
        self._expect("354 ", found[-1])

    def message(self, *recipients: str, content: bytes, **arguments: str) -> list[str]:
        """A whole message; the reply for each recipient. Content has LF line ends."""
        self.begin(*recipients, **arguments)
        self.send(wire_form(content, 0) + DOT)
        return self.replies(len(recipients))

    def probe(self, *recipients: str, sender: str = "") -> list[str]:
        """An address probe; the reply for each recipient."""
        found = self.ask(f"MAIL FROM:<{sender}>", *(f"RCPT TO:<{each}>" for each in recipients), "RSET")
        self._expect("250 ", found[0])
        self._expect("250 ", found[-1])
        return found[1:-1]

    @staticmethod
    def _expect(start: str, reply: str) -> None:
        if not reply.startswith(start):
            raise AssertionError(f"{start!r} was expected, not {reply!r}")

    # -- the process --------------------------------------------------------------------------

    def hang_up(self) -> None:
        """What lmtp(8) does with a connection that it needs no more, and what its death does."""
        self._socket.close()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit status, or the negative number of a signal."""
        try:
            return self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program did not end: {self.argv}") from None

    def end(self) -> int:
        self.hang_up()
        return self.wait()

    def stop(self) -> None:
        """For the end of a test, whatever happened in it."""
        self.hang_up()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def rss(self) -> int:
        """KiB of memory in use."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS:"))

    def descriptors(self) -> list[str]:
        """What its open descriptors are, sorted."""
        return sorted(link.split(":")[0] for link in self._links())

    def connections(self) -> int:
        """How many TCP connections it has."""
        rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        tcp = {f"socket:[{row[9]}]" for row in rows}
        return sum(link in tcp for link in self._links())

    def _links(self) -> list[str]:
        found = []
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                found.append(os.readlink(entry))
            except OSError:    # closed meanwhile
                continue
        return found
