"""A relay of few words whose every line a test may choose: how real servers differ from the letter of the RFCs.

The scripted relay of support/ is correct unless it is told otherwise; this one says what it was given, in the octets it
was given, and notes every line that came.
"""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Callable, Optional, Type

LIMIT = 20.0
TRUSTING_NOTHING = "odd.test"


@dataclass
class Talk:
    """One connection: what came, in its order; `tls` holds what came inside TLS."""

    clear: list[str] = field(default_factory=list)
    tls: list[str] = field(default_factory=list)
    content: bytes = b""
    accepted: bool = False


@dataclass
class Words:
    """What it says. `prompts` are those of AUTH LOGIN, one per line it then takes; octets, sent in base64."""

    offers: tuple[str, ...] = ("PIPELINING",)
    offers_in_tls: Optional[tuple[str, ...]] = None      # None: the same
    name: str = TRUSTING_NOTHING
    starttls: str = "220 go ahead"
    prompts: tuple[bytes, ...] = (b"Username:", b"Password:")
    raw_prompts: bool = False                            # not in base64
    takes_initial_response: bool = True
    auth: str = "235 2.7.0 welcome"
    certificate: Optional[Path] = None
    prepare: Optional[Callable[[ssl.SSLContext], None]] = None
    lockstep: bool = False                               # announces what it will, and forgets what came in one group


class OddRelay:
    def __init__(self, words: Words, address: str = "127.0.0.1") -> None:
        self.words = words
        self.talks: list[Talk] = []
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> OddRelay:
        self._thread.start()
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(LIMIT)

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            connection.settimeout(LIMIT)
            talk = Talk()
            self.talks.append(talk)
            threading.Thread(target=self._run, args=(connection, talk), daemon=True).start()

    def _run(self, connection: socket.socket, talk: Talk) -> None:
        try:
            _Dialogue(self.words, connection, talk).run()
        except (OSError, EOFError, ValueError):
            pass
        finally:
            connection.close()


class _Dialogue:
    def __init__(self, words: Words, connection: socket.socket, talk: Talk) -> None:
        self.words, self.connection, self.talk = words, connection, talk
        self.lines, self.buffer = talk.clear, b""

    def say(self, line: str) -> None:
        self.connection.sendall(line.encode("latin-1") + b"\r\n")

    def hear(self) -> str:
        while b"\n" not in self.buffer:
            more = self.connection.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        if self.words.lockstep:
            self.buffer = b""
        text = line.rstrip(b"\r").decode("latin-1")
        self.lines.append(text)
        return text

    def run(self) -> None:
        self.say(f"220 {self.words.name} ESMTP")
        while True:
            line = self.hear()
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "EHLO":
                self.offer()
            elif verb == "STARTTLS":
                self.start_tls()
            elif verb == "AUTH":
                self.auth(line.split(" "))
            elif verb == "DATA":
                self.data()
            elif verb == "QUIT":
                return self.say("221 bye")
            else:
                self.say("250 2.0.0 ok")

    def offer(self) -> None:
        offers = self.words.offers
        if self.lines is self.talk.tls and self.words.offers_in_tls is not None:
            offers = self.words.offers_in_tls
        lines = [self.words.name, *offers]
        for line in lines[:-1]:
            self.say("250-" + line)
        self.say("250 " + lines[-1])

    def start_tls(self) -> None:
        self.say(self.words.starttls)
        if not self.words.starttls.startswith("2") or self.words.certificate is None:
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.words.certificate)
        if self.words.prepare:
            self.words.prepare(context)
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.lines, self.buffer = self.talk.tls, b""

    def auth(self, command: list[str]) -> None:
        prompts = list(self.words.prompts) if command[1].upper() == "LOGIN" else [b""]
        if len(command) > 2 and self.words.takes_initial_response:
            prompts.pop(0)
        for prompt in prompts:
            self.say("334 " + (prompt.decode("latin-1") if self.words.raw_prompts else base64.b64encode(prompt).decode()))
            self.hear()
        self.say(self.words.auth)

    def data(self) -> None:
        self.say("354 go on")
        while not (b"\r\n" + self.buffer).endswith(b"\r\n.\r\n") and b"\r\n.\r\n" not in self.buffer:
            more = self.connection.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        self.talk.content, self.buffer = self.buffer.split(b"\r\n.\r\n", 1)
        self.talk.accepted = True
        self.say("250 2.0.0 Ok: queued as ODD")
