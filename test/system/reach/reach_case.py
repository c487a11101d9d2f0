"""The base class of the tests in this folder: a network and DNS servers of their own, the attempts in the log."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

for folder in ("e2e", "postfix"):    # both have a case.py; that of e2e is meant
    sys.path.append(str(Path(__file__).resolve().parents[1] / folder))

import network  # noqa: E402
from case import MESSAGE, DeliveryCase, Result, each  # noqa: E402  (of test/system/e2e)
from certificate import Authority  # noqa: E402
from dns_lab import Dnsmasq, DnsServer, Responder  # noqa: E402
from lab import Connection, RefusedPort, Relay, binary_path  # noqa: E402
from pipe_run import Surroundings  # noqa: E402
from postfix_lab import EXAMPLE_TRANSPORT, PostfixLab  # noqa: E402
from support import free_port, wait_until  # noqa: E402

_ATTEMPT = re.compile(r"relay=(?P<relay>\S+), .* attempt=(?P<result>\w+)(?:, verdict=\w+)? \(.*\)$")


@dataclass(frozen=True)
class Attempt:
    """One attempt=... line of the log."""

    relay: str     # host[address]:port, or the destination as written when there was no address
    result: str    # accepted failed superseded refused unconfirmed


class ReachCase(DeliveryCase):
    """As root every test is alone in a network namespace, so ports and addresses are its own."""

    def setUp(self) -> None:
        isolated = network.may_isolate()
        if isolated:
            network.leave_machine()
        super().setUp()
        self.port = 2525 if isolated else free_port()
        # Loss of a query is not what is tested here: waiting long for an answer would only make the tests slow.
        self.settings["dns_timeout"] = "300ms"

    def dns(self, server: DnsServer) -> DnsServer:
        """Hands the server to the deliveries that follow; a second one comes after the first."""
        self.addCleanup(server.stop)
        before = self.settings.get("dns_servers", "")
        self.settings["dns_servers"] = f"{before},{server.address}" if before else server.address
        return server

    def dnsmasq(self, lines: str) -> DnsServer:
        return self.dns(Dnsmasq(self.directory, lines))

    def responder(self, zone: str, port: int = 0) -> Responder:
        server = Responder(zone, port=port)
        self.dns(server)
        return server

    def host(self, address: str, script: str = "", port: int = 0) -> Relay:
        """A relay at this address, on the port all relays of the test share (as MX hosts do)."""
        return self.relay(script, address, port or self.port)

    def attempts(self) -> list[Attempt]:
        """Every attempt of the delivery, in the order in which their outcomes were known. Ends the log."""
        found = (_ATTEMPT.search(line) for line in self.syslog.stop())
        return [Attempt(m["relay"], m["result"]) for m in found if m]

    def assert_took(self, result: Result, by: Relay, host: str) -> None:
        """Sent, by this relay and no other, which was found under this name."""
        self.assertEqual(result.status, 0, result)
        self.assertTrue(result.text.startswith(f"{host}[{by.host}]:{by.port}: 250 "), result)
        for relay in self.relays:
            self.assertEqual(len(relay.accepted), 1 if relay is by else 0, f"{relay.name}: {relay.connections}")

    def assert_dialled(self, relay: Relay, times: int = 1) -> list[Connection]:
        self.assertEqual(len(relay.connections), times, f"{relay.name}: {relay.connections}")
        return relay.connections

    def nexthop(self, host: str) -> str:
        return f"{host}:{self.port}"


class WorldCase(ReachCase):
    """A test that needs the addresses of network.py, and so root."""

    def setUp(self) -> None:
        if not network.may_isolate():
            self.skipTest("needs root, for a network namespace")
        super().setUp()
        network.build_world()


# The folders of the other tests are on the path from here on; what the tests need of them comes through this module.
__all__ = ["Authority", "EXAMPLE_TRANSPORT", "MESSAGE", "Attempt", "Dnsmasq", "PostfixLab", "ReachCase", "RefusedPort",
           "Relay", "Responder", "Result", "Surroundings", "WorldCase", "binary_path",
           "each", "wait_until"]
