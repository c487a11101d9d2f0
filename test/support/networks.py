"""A network of the test's own: this process leaves the machine's network (and mounts) for namespaces that end with it.

    192.0.2.1, 2001:db8::1       this machine's address, on a veth pair
    198.51.100.0/24, 2001:db8:1::/48     other hosts: delivered locally, but addresses of no interface
    203.0.113.0/24, 2001:db8:dead::/48   black holes: packets leave through the veth pair, and nobody ever answers

The last is done by a route over a neighbour that does not exist: the kernel is told its hardware address, so neither
ARP nor neighbour discovery fails, and the SYN is lost without a word. A `blackhole` route would give an error at once.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Callable, TypeVar

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x00020000, 0x04000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
OWN, OWN6 = "192.0.2.1", "2001:db8::1"
NOWHERE = [f"203.0.113.{n}" for n in range(1, 10)]
NOWHERE6 = [f"2001:db8:dead::{n}" for n in range(1, 10)]

WORLD = f"""
link add near type veth peer name far
link set near up
link set far up
addr add {OWN}/24 dev near
addr add {OWN6}/64 dev near nodad
route add local 198.51.100.0/24 dev lo
-6 route add local 2001:db8:1::/48 dev lo
neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe dev near nud permanent
-6 neigh add 2001:db8::fe lladdr 02:00:00:00:00:fe dev near nud permanent
route add 203.0.113.0/24 via 192.0.2.254
-6 route add 2001:db8:dead::/48 via 2001:db8::fe
"""

T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def may_isolate() -> bool:
    return os.geteuid() == 0


def ip(*arguments: str) -> None:
    environment = {**os.environ, "PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def leave_machine() -> None:
    """From here on this thread, and what it starts, has a network with nothing but loopback in it."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")
    leave_network()


def leave_network() -> None:
    """The same, without mounts of its own."""
    _check(_libc.unshare(CLONE_NEWNET), "unshare")
    ip("link", "set", "lo", "up")
    # So many lines wait for the reader of a log, not 10: it is a thread of the test and has its turn late on a busy
    # machine, and relaypipe gives a line up after a moment. A sender of small ones has room for more: it can be full.
    Path("/proc/sys/net/unix/max_dgram_qlen").write_text("100")


def enter_network(namespace: int) -> None:
    """From here on this thread, and what it starts, is in the network of this descriptor."""
    _check(_libc.setns(namespace, CLONE_NEWNET), "setns")


class OtherNetwork:
    """A network beside that of this process, with nothing but loopback in it."""

    def __init__(self) -> None:
        self._namespace = -1
        self.there(lambda: None)
        # By which ip(8) knows it.
        self.path = f"/proc/{os.getpid()}/fd/{self._namespace}"

    def close(self) -> None:
        os.close(self._namespace)

    def there(self, act: Callable[[], T]) -> T:
        """Does it in that network, which a thread enters; processes that it starts stay there."""
        result: list[T] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                self._enter()
                result.append(act())
            except BaseException as error:    # is raised again where it was asked for
                failure.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]
        return result[0]

    def _enter(self) -> None:
        if self._namespace < 0:
            leave_network()
            self._namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        else:
            enter_network(self._namespace)


class Machine(OtherNetwork):
    """Another host, on a veth pair of its own; it reaches this one's 198.51.100.0/24, until it is cut off."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._gone = f"10.98.{number}.3"    # nobody, as in a black hole of build_world()
        self._here = f"10.98.{number}.1"
        ip("link", "add", f"m{number}", "type", "veth", "peer", "name", "out", "netns", self.path)
        ip("addr", "add", f"{self._here}/29", "dev", f"m{number}")
        ip("link", "set", f"m{number}", "up")
        self.there(lambda: self._set_up(f"10.98.{number}.2"))

    def _set_up(self, address: str) -> None:
        ip("addr", "add", f"{address}/29", "dev", "out")
        ip("link", "set", "out", "up")
        ip("neigh", "add", self._gone, "lladdr", "02:00:00:00:00:fe", "dev", "out", "nud", "permanent")
        ip("route", "add", "198.51.100.0/24", "via", self._here)

    def cut_off(self, address: str) -> None:
        """From here on what it sends to this address is lost without a word."""
        self.there(lambda: ip("route", "add", f"{address}/32", "via", self._gone))

    def connect_again(self, address: str) -> None:
        self.there(lambda: ip("route", "del", f"{address}/32"))


def build_world() -> None:
    for line in WORLD.strip().splitlines():
        ip(*line.split())
    # IPv6 does not see from the local route alone that a server may listen there, as IPv4 does.
    Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1")


def name_machine(name: str) -> None:
    """The host name that this process and its children see from here on."""
    _check(_libc.unshare(CLONE_NEWUTS), "unshare")
    socket.sethostname(name)


def replace_file(path: str, directory: Path, text: str) -> None:
    """Another content for a file of the machine, seen by this process and its children only."""
    own = directory / Path(path).name
    own.write_text(text)
    own.chmod(0o644)
    target = os.path.realpath(path)
    _check(_libc.mount(str(own).encode(), target.encode(), None, MS_BIND, None), f"binding {path}")
