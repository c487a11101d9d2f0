"""The base class of these tests: hosts with a configuration each, one relay that counts, one store."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import unittest
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Optional, TypeVar

from counting_sink import CountingSink
from support.case import MESSAGE, DeliveryCase
from support.lmtp_program import LmtpProgram
from support.networks import Machine, build_world, leave_network
from support.redis_store import StoreServer, server_program
from support.relays import LIMIT, binary_path
from support.runs import Delivery, Result, Surroundings, environment

LONG = bool(os.environ.get("RELAYPIPE_LONG"))
SINK, STORE = "198.51.100.8", "198.51.100.7"    # as other machines see them
T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    name: str
    file: Path     # its configuration
    state: Path
    machine: Optional[Machine] = None    # where it runs; nothing: here

    def there(self, act: Callable[[], T]) -> T:
        return self.machine.there(act) if self.machine else act()


@unittest.skipUnless(server_program(), "no redis-server and no valkey-server")
class FleetCase(DeliveryCase):
    def setUp(self) -> None:
        # A network of its own, in which packets may be dropped.
        leave_network()
        build_world()
        super().setUp()
        self.sink = CountingSink(SINK)
        self.addCleanup(self.sink.stop)
        self.names = 0
        self.machines = 0

    def store(self, *options: str, **arguments: Any) -> StoreServer:
        directory = self.directory / f"store{len(list(self.directory.glob('store*')))}"
        directory.mkdir()
        found = StoreServer(directory, *options, **arguments)
        self.addCleanup(found.kill)
        return found

    def host(self, name: str, url: str, limits: str, fleet: str = "", relay: str = "", timeout: str = "5s",
             machine: Optional[Machine] = None) -> Host:
        """A host whose only relay is the sink. A busy machine must not make the store look away, so it has much time."""
        state = self.directory / f"state-{name}"
        state.mkdir(exist_ok=True)
        file = self.directory / f"{name}.toml"
        file.write_text(f'state_directory = "{state}"\nsyslog_socket = "{self.syslog.path}"\nmax_wait = "0s"\n'
                        f'[defaults]\nhostname = "{name}.example.net"\npatience = "20s"\n'
                        f'[relay.sink]\ndestination = "{self.sink.destination}"\n{limits}\n{relay}\n'
                        f'[chain.out]\ntiers = [["sink"]]\n'
                        f'[fleet]\nurl = "{url}"\nhost_id = "{name}"\ntimeout = "{timeout}"\n{fleet}\n')
        file.chmod(0o644)
        return Host(name, file, state, machine)

    def hosts_apart(self, count: int, store: StoreServer, limits: str, **arguments: Any) -> list[Host]:
        """Hosts in a network each; the store is at STORE."""
        hosts = []
        for number in range(count):
            self.machines += 1
            machine = Machine(self.machines)
            self.addCleanup(machine.close)
            hosts.append(self.host(f"h{number}", store.url, limits, machine=machine, **arguments))
        return hosts

    # -- deliveries -----------------------------------------------------------------------------

    def begin(self, host: Host, *, sender: str = "sender@example.org", to: tuple[str, ...] = ()) -> Delivery:
        self.names += 1
        name = f"Q{self.names}"
        argv = [str(binary_path()), "--config", str(host.file), "--nexthop", "out", "--queue-id", name, "-f", sender, "--",
                *(to or (f"{name}@example.net",))]
        delivery = host.there(lambda: Delivery(argv, Surroundings(self.queue)))
        delivery.feed(MESSAGE)
        delivery.end_input()
        return delivery

    def one(self, host: Host, **arguments: Any) -> Result:
        return self.finish(self.begin(host, **arguments))

    def sent(self, host: Host, **arguments: Any) -> bool:
        return self.one(host, **arguments).status == 0

    def lmtp(self, host: Host) -> LmtpProgram:
        argv = [str(binary_path()), "lmtp", "--config", str(host.file), "--nexthop", "out"]
        program = host.there(lambda: LmtpProgram(argv, self.queue))
        self.addCleanup(program.stop)
        program.hello()
        return program

    def storm(self, hosts: list[Host], count: int, at_a_time: int,
              each: Callable[[int], object] = lambda number: None) -> Iterator[Result]:
        """So many deliveries, over all hosts in turn, never more than `at_a_time` of them running."""
        running: list[Delivery] = []
        for number in range(count):
            each(number)
            if len(running) == at_a_time:
                yield self.finish(running.pop(0))
            running.append(self.begin(hosts[number % len(hosts)]))
        for delivery in running:
            yield self.finish(delivery)

    def assert_sent_or_deferred(self, results: Iterable[Result]) -> int:
        """How many were sent; of the others none is bounced."""
        sent = 0
        for result in results:
            self.assertIn(result.status, (0, 75), result)
            sent += result.status == 0
        self.assertEqual(len(self.sink.accepted), sent)
        self.assertEqual([who for who, times in self.sink.recipients.items() if times > 1], [])
        return sent

    # -- what is known --------------------------------------------------------------------------

    def tool(self, host: Host, *words: str, status: int = 0) -> str:
        done = self.call(host, *words)
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def call(self, host: Host, *words: str) -> subprocess.CompletedProcess[str]:
        return host.there(lambda: subprocess.run([binary_path(), *words, "--config", str(host.file)], capture_output=True,
                                                 text=True, timeout=LIMIT, env=environment()))

    def status(self, host: Host) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.tool(host, "status", "--json"))
        return found

    def relay_status(self, host: Host) -> dict[str, Any]:
        return next(relay for relay in self.status(host)["relays"] if relay["relay"] == "sink")

    def fleet_used(self, host: Host) -> int:
        """Of the only quota, as the store knows it now."""
        (window,) = json.loads(self.tool(host, "status", "--fleet", "--json"))["windows"]
        return int(window["fleet_used"])

    def answers(self, host: Host) -> bool:
        """Asks the store, whatever comes of it."""
        self.call(host, "refill")
        return bool(self.status(host)["store"]["answers"])

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + LIMIT
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited in vain for {what}")
            time.sleep(0.02)

    def wait_quiet(self, host: Host) -> None:
        """Until nobody asks the store for this host any more."""
        words = [b"refill", str(host.file).encode()]

        def asks(process: Path) -> bool:
            try:
                found = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                return False
            return all(word in found for word in words)
        self.wait_until(lambda: not any(asks(one) for one in Path("/proc").glob("[0-9]*")), "the refill to end")

    def log_lines(self, pattern: str) -> list[str]:
        return [line for line in self.syslog.so_far() if re.search(pattern, line)]
