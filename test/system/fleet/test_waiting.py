"""What a delivery waits for a store that is in trouble: nothing, but for the one delivery that finds out."""

from __future__ import annotations

import socket
import statistics
import struct
import threading
import time
from pathlib import Path

from fleet_case import LONG, STORE, FleetCase, Host
from support.clients import clients_of
from support.networks import Machine

ROUNDS = 1000 if LONG else 100
LIMITS = 'quota = "1000000/24h"'


class CountedStore:
    """Stands before a store, on a socket in the file system, and notes who comes: a delivery, which somebody waits for, or
    `relaypipe refill`, for which nobody does. While `hangs`, connections are taken and nothing is answered."""

    def __init__(self, path: Path, behind: str) -> None:
        self.url = f"unix:{path}"
        self.hangs = False
        self.deliveries = self.refills = 0
        self._behind = behind
        self._open: list[socket.socket] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        path.chmod(0o777)
        self._server.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        for one in [self._server, *self._open]:
            one.close()

    def _serve(self) -> None:
        for client, _ in clients_of(self._server):
            self._open.append(client)
            self._note(client)
            if self.hangs:
                continue
            store = socket.socket(socket.AF_UNIX)
            store.connect(self._behind)
            for source, target in ((client, store), (store, client)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _note(self, client: socket.socket) -> None:
        pid, _, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:    # it has given up already: nobody hurries so but a delivery that was interrupted
            words = []
        if b"refill" in words:
            self.refills += 1
        else:
            self.deliveries += 1

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with source, target:
            try:
                while octets := source.recv(65536):
                    target.sendall(octets)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass


class WaitingAlone(FleetCase):
    def begin_apart(self, name: str, url: str) -> Host:
        self.machines += 1
        machine = Machine(self.machines)
        self.addCleanup(machine.close)
        return self.host(name, url, LIMITS, timeout="100ms", machine=machine)

    def without_fleet(self, name: str) -> Host:
        host = self.begin_apart(name, "redis://127.0.0.1:1")
        text = host.file.read_text()
        host.file.write_text(text[:text.index("[fleet]")])
        return host

    def test_beside_a_run_without_a_fleet(self) -> None:
        """One delivery of each in turn, so that a busy machine is busy for all."""
        store, behind = self.store(host=STORE), self.store()
        counted = CountedStore(self.directory / "counted.sock", behind.path)
        self.addCleanup(counted.stop)
        hosts = {"no fleet": self.without_fleet("none"), "healthy": self.begin_apart("healthy", store.url),
                 "hanging": self.begin_apart("hanging", counted.url), "cut off": self.begin_apart("cut", store.url)}
        for host in list(hosts.values()) * 3:
            self.assertTrue(self.sent(host))
        self.wait_until(lambda: self.answers(hosts["hanging"]), "an answer")
        counted.hangs = True
        cut = hosts["cut off"].machine
        assert cut
        cut.cut_off(STORE)
        counted.deliveries = counted.refills = 0
        began = time.monotonic()
        seconds: dict[str, list[float]] = {name: [] for name in hosts}
        names = list(hosts)
        for number in range(ROUNDS):
            for name in names[number % 4:] + names[:number % 4]:
                result = self.one(hosts[name])
                self.assertEqual(result.status, 0, result)
                seconds[name].append(result.seconds)
        elapsed = time.monotonic() - began
        for name, times in seconds.items():
            cuts = statistics.quantiles(times, n=100)
            print(f"{name:<9} {ROUNDS} deliveries: median {1000 * cuts[49]:.1f} ms, p99 {1000 * cuts[98]:.1f} ms, "
                  f"longest {1000 * max(times):.1f} ms")
        print(f"hanging: {counted.deliveries} deliveries and {counted.refills} refills asked in {elapsed:.1f} s")
        self.assertEqual(len(self.sink.accepted), 4 * ROUNDS + 12)
        self.assertLessEqual(counted.deliveries, 1)
        self.assertGreaterEqual(counted.refills, 1)
        self.assertLessEqual(counted.refills, elapsed + 2)
        self.assertEqual(self.status(hosts["cut off"])["store"]["answers"], False)
        self.assertEqual(self.status(hosts["healthy"])["store"]["answers"], True)
