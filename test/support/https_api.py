"""An HTTPS interface of a provider that checks what it is given and does what a test wants, in threads of the test's process.

Each request is checked on its own (https_requests). What is not right is in `violations`.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from support.clients import clients_of
from support.https_requests import (API_KEY, KEY_ID, REGION, SECRET_KEY, SESSION_TOKEN, ProviderRules, Request,
                                    answer as written)

HELD = 60.0    # seconds; reached only when a test hangs


@dataclass(frozen=True)
class Play:
    """What is done with one connection or request. `at`: connect, tls, head, body (all of it has come) or answer (some of
    it was sent); with a number of octets of the body instead: after so many. `do`: close, reset, hold, or answer."""

    at: Any = "body"
    do: str = "answer"
    status: int = 0                     # 0: as it should be
    body: Optional[bytes] = None
    head: tuple[str, ...] = ()
    raw: Optional[bytes] = None         # the whole answer
    drip: bool = False                  # octet by octet


class SmallApi(ProviderRules):
    def __init__(self, pem: Path, kind: str = "ses", *, session_token: str = "", tokens: tuple[str, ...] = (),
                 plays: tuple[Play, ...] = (), host: str = "localhost", listen: str = "127.0.0.1") -> None:
        self.listen = listen
        self.plays = list(plays)
        self.requests: list[Request] = []
        self.messages: list[Request] = []      # those that were accepted
        self.connections = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._listener = socket.create_server((listen, 0), backlog=50)
        super().__init__(kind, host, self._listener.getsockname()[1], session_token=session_token, tokens=tokens)
        self._lock = threading.Lock()
        self._secure: set[ssl.SSLSocket] = set()
        self.events: list[str] = []
        self._changed = threading.Condition(self._lock)
        self._released = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def name(self) -> str:
        return f"{self.host}[{self.listen}]:{self.port}"

    @property
    def destination(self) -> str:
        return f"https:{self.host}:{self.port}"

    def wait_for(self, event: str, limit: float = 30.0) -> None:
        """Until a connection has come to that stage."""
        with self._changed:
            if not self._changed.wait_for(lambda: event in self.events, limit):
                raise AssertionError(f"the server never reached {event}: {self.events}")

    def release(self) -> None:
        """What is held goes on."""
        self._released.set()

    def drop_idle(self) -> None:
        """Closes the connections that are there."""
        for connection in list(self._secure):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass    # it is closed already
        self._secure.clear()

    def stop(self) -> None:
        self._released.set()
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self.drop_idle()

    # -- connections --------------------------------------------------------------------------

    def _note(self, event: str) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def _next_play(self) -> Play:
        with self._lock:
            return self.plays.pop(0) if self.plays else Play()

    def _accept(self) -> None:
        for raw, _ in clients_of(self._listener):
            self.connections += 1
            threading.Thread(target=self._serve, args=(raw, self.connections), daemon=True).start()

    def _serve(self, raw: socket.socket, number: int) -> None:
        play = self._next_play()
        self._note("connect")
        secure: Optional[ssl.SSLSocket] = None
        try:
            if play.at == "connect":
                return self._end(raw, play)
            if play.at == "tls":
                raw.recv(65536)
                self._note("tls")
                return self._end(raw, play)
            secure = self._context.wrap_socket(raw, server_side=True)
            self._secure.add(secure)
            if secure.selected_alpn_protocol() != "http/1.1":
                self.violations.append(f"ALPN {secure.selected_alpn_protocol()}")
            begun = self._read(secure)
            while self._exchange(secure, play, number, begun):
                begun = self._read(secure)
                play = self._next_play()
        except (OSError, EOFError):
            pass
        finally:
            (secure or raw).close()

    def _end(self, connection: socket.socket, play: Play) -> None:
        if play.do == "hold":
            self._released.wait(HELD)
        if play.do == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def _exchange(self, connection: ssl.SSLSocket, play: Play, number: int, begun: bytes) -> bool:
        """One request, whose first octets are there. Whether the connection goes on."""
        octets = bytearray(begun)
        while b"\r\n\r\n" not in octets:
            octets += self._read(connection)
        head, _, rest = bytes(octets).partition(b"\r\n\r\n")
        request = self.parse(head.decode("latin-1"), number)
        self._note("head")
        if play.at == "head":
            return self._play(connection, play, request)
        size = int(request.head.get("content-length", "0"))
        body = bytearray(rest)
        while len(body) < size:
            if isinstance(play.at, int) and len(body) >= play.at:
                self._note(f"body+{play.at}")
                return self._play(connection, play, request)
            body += self._read(connection)
        if len(body) > size:
            self.violations.append("octets behind the request")
        request.body = bytes(body)
        self._note("body")
        self.requests.append(request)
        return self._play(connection, play, request)

    @staticmethod
    def _read(connection: ssl.SSLSocket) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise EOFError
        return data

    def _play(self, connection: ssl.SSLSocket, play: Play, request: Request) -> bool:
        if play.do in ("close", "reset", "hold") and play.at != "answer":
            self._end(connection, play)
            return False
        status, body = (play.status, play.body or b"{}") if play.status else self.judge(request)
        answer = play.raw or written(status, body if play.body is None else play.body, *play.head)
        if play.at == "answer":
            connection.sendall(answer[:len(answer) // 2])
            self._note("answer")
            self._end(connection, play)
            return False
        if play.drip:
            for octet in answer:
                connection.sendall(bytes([octet]))
        else:
            connection.sendall(answer)
        self._note("answered")
        whole = play.at not in ("head",) and not isinstance(play.at, int)
        if play.raw is None and whole and "Connection: close" not in play.head:
            return True
        self._linger(connection)
        return False

    def take(self, request: Request) -> None:
        super().take(request)
        self.messages.append(request)

    @staticmethod
    def _linger(connection: ssl.SSLSocket) -> None:
        """Ends it so that what was answered arrives (RFC 9112 section 9.6): octets nobody reads would reset it."""
        socket.socket.shutdown(connection, socket.SHUT_WR)
        connection.settimeout(HELD)
        while connection.recv(65536):
            pass
        connection.close()


__all__ = ["API_KEY", "KEY_ID", "REGION", "SECRET_KEY", "SESSION_TOKEN", "Play", "Request", "SmallApi"]
