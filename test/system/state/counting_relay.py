"""A relay that counts: who dialled when, how many sessions there were at a time, what was accepted and when.

It lives in threads of the test, so that a test can change how it behaves, and ask what it saw, while deliveries run. It
is an honest ESMTP server; how it fails is up to the test. What clients may not do, the scripted relay looks at.
"""

from __future__ import annotations

import collections
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import BinaryIO, Callable, Counter, Iterator, Optional

ABRUPT = struct.pack("ii", 1, 0)    # SO_LINGER: close() sends RST
PATIENCE = 60.0


@dataclass
class Session:
    """One connection. Times are time.monotonic()."""

    began: float
    ended: float = 0.0    # 0 while it lasts
    accepted: list[float] = field(default_factory=list)


@dataclass
class Behaviour:
    """How the relay behaves towards whoever dials from now on."""

    greets: bool = True         # False: a tarpit, which accepts connections and says nothing
    resets: bool = False        # RST right after the handshake, as a firewall may do
    greeting: str = "220 counting.example ESMTP"
    reply_delay: float = 0.0    # before every reply
    dot: str = "250 2.0.0 Ok: queued"
    dot_lost: bool = False      # the connection is reset in place of the reply to the dot, although the message is kept
    greeting_delay: float = 0.0
    swallows: int = 0           # so many connections are accepted and hear nothing, the next ones are greeted
    # Recipients whose message it breaks off at the dot with a 421 or, where `dot_lost` is set too, with a reset; it keeps
    # neither.
    breaks_for: set[str] = field(default_factory=set)
    denied_domains: set[str] = field(default_factory=set)    # recipients there: "Relay access denied"
    # Recipients whose message is kept in silence, with no reply to its dot: it lasts until the client is gone.
    silent_for: set[str] = field(default_factory=set)


class CountingRelay:
    def __init__(self, behaviour: Optional[Behaviour] = None, port: int = 0) -> None:
        self.behaviour = behaviour or Behaviour()
        self.sessions: list[Session] = []
        self.recipients: Counter[str] = collections.Counter()    # of accepted messages
        self._now_greets = threading.Event()
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.destination = f"[127.0.0.1]:{self.port}"
        self.name = f"127.0.0.1[127.0.0.1]:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # -- what a test asks -------------------------------------------------------------------------

    @property
    def accepted(self) -> list[float]:
        """When each message was accepted, oldest first."""
        with self._changed:
            return sorted(when for session in self.sessions for when in session.accepted)

    def taken(self) -> Counter[str]:
        """How often each recipient's message was accepted until now."""
        with self._changed:
            return self.recipients.copy()

    def peak(self) -> int:
        """The largest number of sessions at a time, each from its connection to its acceptance, or to its end."""
        with self._changed:
            ends = [min([s.ended or time.monotonic(), *s.accepted]) for s in self.sessions]
            steps = [(s.began, 1) for s in self.sessions] + [(end, -1) for end in ends]
        most = now = 0
        for _, step in sorted(steps):    # at the same moment the end counts first
            now += step
            most = max(most, now)
        return most

    def wait_for(self, condition: Callable[[CountingRelay], object], what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), PATIENCE):
                raise AssertionError(f"relay {self.port}: waited {PATIENCE:.0f} s in vain for {what}")

    def greet_now(self) -> None:
        """Greets whoever is waiting in the tarpit, and everybody from now on."""
        self.behaviour.greets = True
        self._now_greets.set()

    def stop(self) -> None:
        if self._listener.fileno() < 0:    # stopped already
            return
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self._now_greets.set()
        with self._changed:
            still_open = list(self._open)
        for sock in still_open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:    # its client was faster
                pass

    # -- the server -------------------------------------------------------------------------------

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                session = Session(time.monotonic())
                self.sessions.append(session)
                self._open.add(sock)
                self._changed.notify_all()
            threading.Thread(target=self._session, args=(sock, session), daemon=True).start()

    def _session(self, sock: socket.socket, session: Session) -> None:
        behaviour = self.behaviour
        try:
            if behaviour.resets:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
                return
            with self._changed:
                swallowed = behaviour.swallows > 0
                behaviour.swallows -= swallowed
            if (swallowed or not behaviour.greets) and not self._greets_in_time(sock):
                return
            if behaviour.greeting_delay:
                time.sleep(behaviour.greeting_delay)    # the relay's own slowness
            with sock.makefile("rb") as lines:
                for reply in self._dialogue(lines, session, sock):
                    if behaviour.reply_delay:
                        time.sleep(behaviour.reply_delay)    # the relay's own slowness, not a wait of the test
                    sock.sendall(reply.encode() + b"\r\n")
        except OSError:    # the client went away
            pass
        finally:
            with self._changed:
                session.ended = time.monotonic()
                self._open.discard(sock)
                self._changed.notify_all()
            sock.close()

    def _greets_in_time(self, sock: socket.socket) -> bool:
        """Waits in silence until the test wants the greeting; False when the client leaves before."""
        sock.settimeout(0.05)
        while not self._now_greets.is_set():
            try:
                if not sock.recv(1, socket.MSG_PEEK):
                    return False
            except TimeoutError:
                continue
        sock.settimeout(None)
        return True

    def _dialogue(self, lines: BinaryIO, session: Session, sock: socket.socket) -> Iterator[str]:
        yield self.behaviour.greeting
        recipients: list[str] = []
        for raw in lines:
            line = raw.decode("latin-1").strip()
            verb = line.upper()[:4]
            if verb == "EHLO":
                yield "250-counting.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME"
            elif verb == "DATA":
                yield "354 go ahead"
                for content in lines:
                    if content == b".\r\n":
                        break
                else:
                    return
                if self.behaviour.breaks_for.intersection(recipients):
                    if self.behaviour.dot_lost:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
                    else:
                        yield "421 4.3.2 this message and I part here"
                    return
                if self.behaviour.dot.startswith("2"):
                    with self._changed:
                        session.accepted.append(time.monotonic())
                        self.recipients.update(recipients)
                        self._changed.notify_all()
                if self.behaviour.dot_lost and not self.behaviour.breaks_for:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
                    return
                if self.behaviour.silent_for.intersection(recipients):
                    lines.read()
                    return
                yield self.behaviour.dot
            elif verb == "QUIT":
                yield "221 2.0.0 bye"
                return
            else:
                if verb == "MAIL":
                    recipients = []
                if verb == "RCPT":
                    found = re.findall(r"<(.*)>", line)
                    if any(address.partition("@")[2] in self.behaviour.denied_domains for address in found):
                        yield f"554 5.7.1 <{found[0]}>: Relay access denied"
                        continue
                    recipients += found
                yield "250 2.1.0 Ok"
