"""The host of a token endpoint is looked up as it is written, as those of relays are, and by the same servers."""

from __future__ import annotations

from oauth_case import OauthCase
from support import networks
from support.case import each
from support.foreign_names import MACHINES, WILDCARD, Machine
from support.runs import Surroundings


ZONE = WILDCARD + """
token.provider.test  A    127.0.0.1
token.provider.test  AAAA nodata
gone.test            *    nxdomain
"""


class Lookups(OauthCase):
    def prepare(self, machine: Machine, host: str) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for a network namespace")
        machine.enter(self.directory)
        self.around = Surroundings(self.queue, environment=machine.exported(self.directory))
        self.server = self.responder(ZONE, port=53)
        del self.settings["dns_servers"]    # resolv.conf names it
        self.write(self.account(token_endpoint=f"https://{host}:{self.endpoint.port}/token"))

    def names_asked(self) -> set[str]:
        self.server.stop()
        return {query.split()[0] for query in self.server.queries}

    @each(MACHINES)
    def test_endpoint(self, machine: Machine) -> None:
        self.prepare(machine, "token.provider.test")
        self.sent(around=self.around)
        self.assertEqual(self.names_asked(), {"token.provider.test"})

    @each(MACHINES)
    def test_endpoint_that_does_not_exist(self, machine: Machine) -> None:
        self.prepare(machine, "gone.test")
        self.deferred("token endpoint gone.test", "cannot be found in DNS", around=self.around)
        self.assertEqual(self.names_asked(), {"gone.test"})
        self.assertEqual(self.endpoint.token_requests, [])

    def test_dns_servers(self) -> None:
        """The setting holds for endpoints too."""
        self.prepare(Machine(resolv_conf="nameserver 127.0.0.53\n"), "token.provider.test")
        self.sent(dns_servers=self.server.address)
        self.assertEqual(self.names_asked(), {"token.provider.test"})

    def test_hosts_file(self) -> None:
        self.prepare(Machine(), "named.example")
        networks.replace_file("/etc/hosts", self.directory, "127.0.0.1 named.example\n")
        self.deferred("certificate", around=self.around)    # found, and it is for other names
        self.assertEqual(self.names_asked(), set())

    def test_servers_that_do_not_answer(self) -> None:
        """The limit of the whole exchange holds for the lookup too."""
        self.prepare(Machine(resolv_conf="nameserver 127.0.0.53\n"), "token.provider.test")
        networks.ip("addr", "add", "127.0.0.53/32", "dev", "lo")
        silent = self.responder("* * silent")
        self.deferred("cannot be found in DNS in time", around=self.around, dns_servers=silent.address, dns_timeout="60s",
                      secret_timeout="700ms")
