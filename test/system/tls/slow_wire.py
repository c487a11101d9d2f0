"""A wire with a length: a proxy that hands everything on after a delay, and knows whose turn it was.

The delay keeps what belongs together together. What a program sends before it could have heard anything new is one
flight, in however many writes; so the flights that were answered are the round trips it had to wait for.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque

DELAY = 0.03    # seconds, one way: longer than a busy machine needs for the next write of a flight


class SlowWire:
    """Serves one connection to `target`. Use as a context manager; ask round_trips() at the end."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.flights: list[tuple[str, int]] = []    # "client" or "server", and its octets
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> SlowWire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):    # where nobody came, nobody is waited for
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def round_trips(self) -> int:
        """From SYN to the last answer. The connection itself is one; the first flight of a server that speaks first came
        after another, and every flight of the client that was answered makes one more."""
        sides = [side for side, _ in self.flights]
        answered = sum(a == "client" and b == "server" for a, b in zip(sides, sides[1:]))
        return 1 + (sides[0] == "server") + answered

    def _note(self, side: str, octets: int) -> None:
        if self.flights and self.flights[-1][0] == side:
            octets += self.flights.pop()[1]
        self.flights.append((side, octets))

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        finally:
            self._listener.close()
        server = socket.create_connection(self._target)
        with client, server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pass_on({client: ("client", server), server: ("server", client)})

    def _pass_on(self, ends: dict[socket.socket, tuple[str, socket.socket]]) -> None:
        selector = selectors.DefaultSelector()
        for end in ends:
            selector.register(end, selectors.EVENT_READ)
        under_way: deque[tuple[float, socket.socket, bytes]] = deque()
        while selector.get_map() or under_way:
            wait = max(under_way[0][0] - time.monotonic(), 0) if under_way else None
            for key, _ in selector.select(wait):
                under_way.append(self._take(key.fileobj, *ends[key.fileobj]))    # type: ignore[arg-type,index]
                if not under_way[-1][2]:
                    selector.unregister(key.fileobj)
            while under_way and under_way[0][0] <= time.monotonic():
                _, to, data = under_way.popleft()
                if not self._give(to, data):
                    return

    def _take(self, end: socket.socket, side: str, other: socket.socket) -> tuple[float, socket.socket, bytes]:
        try:
            data = end.recv(65536)
        except ConnectionResetError:
            data = b""
        if data:
            self._note(side, len(data))
        return time.monotonic() + DELAY, other, data

    @staticmethod
    def _give(to: socket.socket, data: bytes) -> bool:
        try:
            if data:
                to.sendall(data)
            else:
                to.shutdown(socket.SHUT_WR)
            return True
        except OSError:
            return False
