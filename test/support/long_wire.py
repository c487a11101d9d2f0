"""A wire of some length between two network namespaces: packets arrive late, and everything else is the kernel's.

Each end is a tun device. A process in the middle reads whole packets and hands them on after the delay, so SYN, ACK and
what waits for an ACK take their time as on a real wire, which a proxy that answers connections itself would hide.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass

from support import networks


NEAR_ADDRESS, FAR_ADDRESS = "10.99.0.1", "10.99.0.2"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
TCP = 6


@dataclass(frozen=True)
class Packet:
    """As the near end saw it: when it left there, or arrived there."""

    when: float
    outgoing: bool
    content: bool    # it carries octets, and is no mere SYN, ACK or FIN


def is_tcp(packet: bytes) -> bool:
    return packet[0] >> 4 == 4 and packet[9] == TCP


def carries_content(packet: bytes) -> bool:
    """Of a packet that is TCP over IPv4."""
    ip_header = 4 * (packet[0] & 15)
    return int.from_bytes(packet[2:4], "big") > ip_header + 4 * (packet[ip_header + 12] >> 4)


def open_end(address: str, other: str) -> int:
    """A tun device of this thread's network namespace."""
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
    networks.ip("addr", "add", address, "peer", other, "dev", "wire")
    networks.ip("link", "set", "wire", "up")
    return end


class LongWire(networks.OtherNetwork):
    """The near end is where this process is; what is run `there()` is at the far end. Use as a context manager."""

    def __init__(self, delay: float, largest: int = 65536) -> None:
        super().__init__()
        self._delay = delay    # seconds, one way
        self.largest = largest    # octets of a packet; longer ones are lost without a word
        self.packets: list[Packet] = []
        self._near = open_end(NEAR_ADDRESS, FAR_ADDRESS)
        self._far = self.there(lambda: open_end(FAR_ADDRESS, NEAR_ADDRESS))
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> LongWire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stopped)
        self._thread.join()
        for descriptor in (self._near, self._far, self._stop):
            os.close(descriptor)
        self.close()

    def _carry(self) -> None:
        selector = selectors.DefaultSelector()
        for descriptor in (self._near, self._far, self._stop):
            selector.register(descriptor, selectors.EVENT_READ)
        under_way: deque[tuple[float, int, bytes]] = deque()
        while True:
            wait = max(under_way[0][0] - time.perf_counter(), 0) if under_way else None
            for key, _ in selector.select(wait):
                if key.fd == self._stop:
                    return
                packet = os.read(key.fd, 65536)
                if key.fd == self._near:
                    self._note(packet, True)
                if len(packet) > self.largest:
                    continue
                other = self._far if key.fd == self._near else self._near
                under_way.append((time.perf_counter() + self._delay, other, packet))
            while under_way and under_way[0][0] <= time.perf_counter():
                _, to, packet = under_way.popleft()
                if to == self._near:
                    self._note(packet, False)
                os.write(to, packet)

    def _note(self, packet: bytes, outgoing: bool) -> None:
        if is_tcp(packet):
            self.packets.append(Packet(time.perf_counter(), outgoing, carries_content(packet)))

    def round_trips(self, until: float) -> int:
        """How often the client had to wait for an answer: the connection is one, a greeting that came before the client
        had said anything another, and then every flight of the client that was answered."""
        sides = [packet.outgoing for packet in self.packets if packet.content and packet.when <= until]
        answered = sum(a and not b for a, b in zip(sides, sides[1:]))
        return 1 + (not sides[0]) + answered
