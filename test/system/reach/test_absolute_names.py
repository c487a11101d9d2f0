"""Every name is looked up as the administrator wrote it, whatever the machine would add to it."""

from __future__ import annotations

from reach_case import ReachCase
from support import networks
from support.case import each
from support.foreign_names import MACHINES, TRAP, WILDCARD, Machine
from support.runs import Surroundings


ZONE = WILDCARD + """
smtp.provider.test  A    127.0.0.2
smtp.provider.test  AAAA nodata
provider.test       MX   10 mx.provider.test
provider.test       *    nodata
mx.provider.test    A    127.0.0.3
mx.provider.test    AAAA nodata
gone.test           *    nxdomain
relay               *    nxdomain
_submission._tcp.provider.test *    nxdomain
_submissions._tcp.provider.test *   nxdomain
"""


class AbsoluteNames(ReachCase):
    """The relay at TRAP is behind every name that somebody else made up."""

    def prepare(self, machine: Machine) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for a network namespace")
        machine.enter(self.directory)
        self.around = Surroundings(self.queue, environment=machine.exported(self.directory))
        self.server = self.responder(ZONE, port=53)
        del self.settings["dns_servers"]    # resolv.conf names it
        self.trap = self.host(TRAP)
        self.smtp, self.mx = self.host("127.0.0.2"), self.host("127.0.0.3")

    def check_names(self, *names: str) -> None:
        self.server.stop()
        self.assertEqual(sorted({query.split()[0] for query in self.server.queries}), sorted(names))
        self.assertEqual(self.trap.connections, [])

    @each(MACHINES)
    def test_host_with_an_ipv4_address_only(self, machine: Machine) -> None:
        self.prepare(machine)
        result = self.deliver(self.nexthop("[smtp.provider.test]"), around=self.around)
        self.assert_took(result, self.smtp, "smtp.provider.test")
        self.check_names("smtp.provider.test")

    @each(MACHINES)
    def test_domain(self, machine: Machine) -> None:
        self.prepare(machine)
        result = self.deliver(self.nexthop("provider.test"), around=self.around)
        self.assert_took(result, self.mx, "mx.provider.test")
        self.check_names("provider.test", "mx.provider.test")

    @each(MACHINES)
    def test_service_records(self, machine: Machine) -> None:
        self.prepare(machine)
        result = self.deliver("provider.test:submission", around=self.around, srv="yes")
        self.assert_deferred(result, r"4\.4\.1")    # nobody listens on port 587 there
        self.server.stop()
        self.assertEqual([query for query in self.server.queries if "example.com" in query], [])

    @each(MACHINES)
    def test_host_that_does_not_exist(self, machine: Machine) -> None:
        self.prepare(machine)
        result = self.deliver(self.nexthop("[gone.test]"), around=self.around)
        self.assert_deferred(result, r"4\.4\.4", words=("Name service error for name=gone.test",))
        self.check_names("gone.test")

    @each(MACHINES)
    def test_name_without_a_dot(self, machine: Machine) -> None:
        self.prepare(machine)
        result = self.deliver(self.nexthop("[relay]"), around=self.around)
        self.assert_deferred(result, r"4\.4\.4", words=("Name service error for name=relay",))
        self.check_names("relay")

    @each({"ipv4": ("127.0.0.2", "only4.test"), "ipv6": ("::1", "only6.test")})
    def test_hosts_file(self, address: str, name: str) -> None:
        """DNS has addresses of both families for that name, and is not asked for the one that the file lacks."""
        self.prepare(Machine())
        networks.replace_file("/etc/hosts", self.directory, f"{address} {name}\n")
        relay = self.smtp if address == self.smtp.host else self.host(address)
        self.assert_took(self.deliver(self.nexthop(f"[{name}]"), around=self.around), relay, name)
        self.check_names()
