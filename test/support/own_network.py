"""What is added to a DeliveryCase for deliveries that look names up: a network and name servers of the test's own.

    class ReachCase(OwnNetwork, DeliveryCase)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support import networks
from support.case import DeliveryCase
from support.dns import DnsServer, Dnsmasq, Responder
from support.machine import free_port
from support.relays import Connection, Relay
from support.runs import Result

_ATTEMPT = re.compile(r"relay=(?P<relay>\S+), .* attempt=(?P<result>\w+)(?:, verdict=\w+)? \(.*\)$")


@dataclass(frozen=True)
class Attempt:
    """One attempt=... line of the log."""

    relay: str     # host[address]:port, or the destination as written when there was no address
    result: str    # accepted failed outrun refused unconfirmed


class OwnNetwork(DeliveryCase if TYPE_CHECKING else object):
    """Added to a DeliveryCase. As root every test is alone in a network namespace, so ports and addresses are its own."""

    def setUp(self) -> None:
        isolated = networks.may_isolate()
        if isolated:
            networks.leave_machine()
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
