"""The socket of one connection to a scripted relay: counted reads, paced writes, waits that a stop ends."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from support.scripted_relay.tls import TlsLayer

HANGUP = select.POLLRDHUP | select.POLLHUP | select.POLLERR
LINE_LIMIT = 64 * 1024
READS_KEPT = 50


class End(Exception):
    """The connection is over; the text says why and goes to the journal."""


class Switch:
    """An event that poll() can wait for beside a socket. Once set it stays set."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._lock = threading.Lock()
        self._set = False

    def set(self) -> None:
        with self._lock:
            if not self._set:
                self._set = True
                os.write(self._write, b"x")

    def is_set(self) -> bool:
        return self._set

    def fileno(self) -> int:
        return self._read


class Stream:
    def __init__(self, sock: socket.socket, stop: Switch) -> None:
        self.sock = sock
        self.stop = stop
        self.tls: Optional[TlsLayer] = None
        self.buffer = bytearray()
        self.reads: list[int] = []    # octets of each recv, the first ones only: 100 MB of content have thousands
        self.read_count = 0
        self.drip = 0.0
        self.slow: Optional[tuple[int, float]] = None
        self.mute = False
        self.sent = 0
        self.aborted = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fill(self, limit: int = 65536) -> None:
        """Adds to the buffer what comes next; inside TLS it may be nothing, such as half a record."""
        data = self.receive(limit)
        self.buffer += self.decrypted(data) if self.tls else data

    def decrypted(self, data: bytes) -> bytes:
        from support.scripted_relay.tls import TlsError
        assert self.tls
        try:
            plain = self.tls.decrypt(data)
        except TlsError as error:
            raise End(f"TLS error: {error}") from None
        if plain is None:
            raise End("peer closed")
        return plain

    def receive(self, limit: int = 65536) -> bytes:
        """One recv; the journal counts them, because one segment on loopback is one recv."""
        if self.slow:
            self.wait(self.slow[1])
            limit = min(limit, self.slow[0])
        try:
            data = self.sock.recv(limit)
        except ConnectionResetError:
            raise End("peer reset") from None
        except OSError as error:
            raise End(f"read error: {error}") from None
        if not data:
            raise End("relay stopped" if self.aborted else "peer closed")
        self.read_count += 1
        if len(self.reads) < READS_KEPT:
            self.reads.append(len(data))
        return data

    def line(self) -> bytes:
        """The next line with its LF (at most LINE_LIMIT octets, so that a flood cannot fill the memory)."""
        searched = 0
        while (end := self.buffer.find(b"\n", searched)) < 0:
            searched = len(self.buffer)
            if searched >= LINE_LIMIT:
                end = searched - 1
                break
            self.fill()
        taken = bytes(self.buffer[: end + 1])
        del self.buffer[: end + 1]
        return taken

    def take(self, limit: int) -> bytes:
        """What is there, at most limit octets; waits only when nothing is."""
        while not self.buffer:
            self.fill(limit)
        taken = bytes(self.buffer[:limit])
        del self.buffer[:limit]
        return taken

    def peek(self) -> bytes:
        """What the client sent that was not asked for yet; takes nothing out of the buffer."""
        try:
            waiting = self.sock.recv(65536, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return bytes(self.buffer)
        if not self.tls:
            return bytes(self.buffer) + waiting[:64]
        if waiting:
            self.fill(len(waiting))    # there is no looking into records without taking them
        return bytes(self.buffer)

    def peer_gone(self) -> bool:
        poll = select.poll()
        try:
            poll.register(self.sock, HANGUP)
        except ValueError:
            return True    # the connection's own thread has closed it already
        return bool(poll.poll(0))

    def wait(self, seconds: Optional[float], *also: Switch) -> None:
        """Sleeps for the time, or until a switch is set, the relay stops or the peer is gone.

        A peer that is gone gets no replies any more, so the journal never shows a reply nobody could read.
        """
        poll = select.poll()
        poll.register(self.sock, HANGUP)
        for switch in (self.stop, *also):
            poll.register(switch, select.POLLIN)
        ready = dict(poll.poll(None if seconds is None else seconds * 1000))
        if self.sock.fileno() in ready or self.stop.fileno() in ready:
            self.mute = True

    def secure(self, layer: TlsLayer, cut: Optional[int] = None) -> None:
        """The handshake. With `cut` it stops for good when that many octets of the relay's own were sent."""
        from support.scripted_relay.tls import TlsError
        received = bytes(self.buffer)
        self.buffer.clear()
        begun, done = self.sent, False
        while not done:
            refused = ""
            try:
                done = layer.handshake(received)
            except TlsError as error:
                refused = f"TLS handshake: {error}"    # the alert is sent first
            flight = layer.outgoing()
            if cut is not None and self.sent + len(flight) >= begun + cut:
                self.send_raw(flight[: begun + cut - self.sent])
                return
            self.send_raw(flight)
            if refused:
                raise End(refused)
            if not done:
                received = self.receive()
        self.tls = layer
        self.buffer += self.decrypted(b"")    # what came in one segment with the client's last word

    def send(self, data: bytes) -> bool:
        """True when every octet went into the socket. Inside TLS a drip makes one record per octet."""
        if not self.tls:
            return self.send_raw(data)
        step = 1 if self.drip else max(len(data), 1)
        for start in range(0, len(data), step):
            if start and self.drip:
                self.wait(self.drip)
            if self.mute or not self.send_raw(self.tls.encrypt(data[start:start + step]), paced=False):
                return False
        return not self.mute

    def send_raw(self, data: bytes, paced: bool = True) -> bool:
        """As send(), but past TLS."""
        step = 1 if self.drip and paced else max(len(data), 1)
        for start in range(0, len(data), step):
            if start and self.drip:
                self.wait(self.drip)
            if self.mute:
                return False
            try:
                self.sock.sendall(data[start:start + step])
            except OSError:
                self.mute = True
                return False
            self.sent += len(data[start:start + step])
        return not self.mute

    def flood(self, line: bytes) -> None:
        """The line again and again until the client has had enough."""
        block = line * max(1, 16384 // len(line))
        while not self.mute and not self.stop.is_set() and self.send(block):
            pass

    def close(self, reset: bool = False) -> None:
        try:
            if reset:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                if self.tls and not self.mute:
                    self.sock.sendall(self.tls.farewell())
                self._close_gently()
        except OSError:
            pass
        finally:
            self.sock.close()

    def _close_gently(self) -> None:
        # Input left unread turns close(2) into a reset, which can eat the reply sent just before.
        self.sock.shutdown(socket.SHUT_WR)
        self.sock.setblocking(False)
        give_up = time.monotonic() + 1
        while time.monotonic() < give_up:
            try:
                if not self.sock.recv(65536):
                    return
            except BlockingIOError:
                return

    def abort(self) -> None:
        """From another thread: wakes a blocking recv or send."""
        self.aborted = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
