"""Where addresses come from and which are used: the hosts file, resolv.conf, IPv6 and IPv4, the own source address."""

from __future__ import annotations

from reach_case import WorldCase
from support import networks
from support.case import each
from support.dns import Dnsmasq, Responder
from support.relays import RefusedPort, Relay

BOTH = "mail.test A 127.0.0.2\nmail.test AAAA ::1\ntwo.test A 127.0.0.2, 127.0.0.3\n" \
       "two.test AAAA 2001:db8:1::2, 2001:db8:1::3\nfour.test A 127.0.0.2\nsix.test AAAA ::1"


class HostsFile(WorldCase):
    """Honoured, before DNS, as the C library does; no relay of a small network needs a DNS server."""

    def setUp(self) -> None:
        super().setUp()
        networks.replace_file("/etc/hosts", self.directory, """\
127.0.0.1 localhost
127.0.0.2 gateway.lan gateway
127.0.0.3 mail.test   # DNS says otherwise
::1       six.lan
127.0.0.4 both.lan
2001:db8:1::4 both.lan
""")
        self.server = self.responder("mail.test A 127.0.0.9\ndom.test MX 10 gateway.lan\n")

    @each({"full_name": ("gateway.lan",), "alias": ("gateway",), "capitals": ("GateWay.LAN",)})
    def test_name_known_only_there(self, name: str) -> None:
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop(f"[{name}]")), relay, name.lower())

    def test_stands_before_dns(self) -> None:
        relay = self.host("127.0.0.3")
        self.host("127.0.0.9")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")

    def test_ipv6(self) -> None:
        relay = self.host("::1")
        self.assert_took(self.deliver(self.nexthop("[six.lan]")), relay, "six.lan")

    @each({"4": ("4", "127.0.0.4"), "6": ("6", "2001:db8:1::4")})
    def test_both_versions(self, version: str, address: str) -> None:
        relay = self.host(address)
        self.assert_took(self.deliver(self.nexthop("[both.lan]"), ip=version), relay, "both.lan")

    def test_name_of_an_mx_host(self) -> None:
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "gateway.lan")

    def test_domain_without_brackets_known_only_there(self) -> None:
        """No MX, so the address of the name: DNS does not know the name, but the hosts file does."""
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("gateway.lan")), relay, "gateway.lan")

    def test_without_any_dns_server(self) -> None:
        dead = self.dead(RefusedPort)
        relay = self.host("127.0.0.2")
        result = self.deliver(self.nexthop("[gateway.lan]"), dns_servers=f"127.0.0.1:{dead.port}")
        self.assert_took(result, relay, "gateway.lan")


class ResolvConf(WorldCase):
    def test_servers_of_the_system(self) -> None:
        networks.replace_file("/etc/resolv.conf", self.directory, "nameserver 127.0.0.1\nsearch elsewhere.test\n")
        self.addCleanup(Dnsmasq(self.directory, "host-record=mail.test,127.0.0.2", port=53).stop)
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")

    def test_server_with_an_ipv6_address(self) -> None:
        server = Responder("mail.test A 127.0.0.2", listen="::1")
        self.dns(server)
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")


class IpVersion(WorldCase):
    def pair(self) -> tuple[Relay, Relay]:
        self.server = self.responder(BOTH)
        return self.host("127.0.0.2"), self.host("::1")

    def test_any_begins_with_ipv6(self) -> None:
        _, six = self.pair()
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), six, "mail.test")

    @each({"4": ("4", 0, "A"), "6": ("6", 1, "AAAA")})
    def test_only_one_version_is_asked_for_and_used(self, version: str, place: int, kind: str) -> None:
        relay = self.pair()[place]
        self.assert_took(self.deliver(self.nexthop("[mail.test]"), ip=version), relay, "mail.test")
        self.server.stop()
        self.assertEqual(self.server.queries, [f"mail.test {kind}"])

    @each({"4": ("4", "six.test"), "6": ("6", "four.test")})
    def test_no_address_of_that_version(self, version: str, name: str) -> None:
        self.pair()
        self.assert_deferred(self.deliver(self.nexthop(f"[{name}]"), ip=version), r"4\.4\.4", words=(name,))

    def test_versions_alternate(self) -> None:
        """RFC 8305 section 4, seen in the order of refused connections."""
        self.responder(BOTH)
        self.assert_deferred(self.deliver(self.nexthop("[two.test]")), r"4\.4\.1")
        versions = ["6" if "[2001:" in attempt.relay else "4" for attempt in self.attempts()]
        self.assertEqual(versions, ["6", "4", "6", "4"])


class BindAddress(WorldCase):
    def peers(self, relay: Relay) -> list[str]:
        return [connection["peer"].rsplit(":", 1)[0] for connection in relay.connections]

    @each({"4": ("127.0.0.2", "127.0.0.77"), "own": ("198.51.100.2", networks.OWN), "6": ("2001:db8:1::2", networks.OWN6)})
    def test_source_of_the_connection(self, address: str, source: str) -> None:
        relay = self.host(address)
        self.assertEqual(self.deliver(relay, bind_address=source).status, 0)
        self.assertEqual(self.peers(relay), [source])

    @each({"4": ("[four.test]", 0), "6": ("[six.test]", 1)})
    def test_one_for_each_version(self, destination: str, place: int) -> None:
        self.responder(BOTH)
        relay = (self.host("127.0.0.2"), self.host("::1"))[place]
        self.assertEqual(self.deliver(self.nexthop(destination), bind_address=f"127.0.0.77, {networks.OWN6}").status, 0)
        self.assertEqual(self.peers(relay), [("127.0.0.77", networks.OWN6)[place]])

    def test_other_version_is_not_bound(self) -> None:
        relay = self.host("::1")
        self.assertEqual(self.deliver(relay, bind_address="127.0.0.77").status, 0)
        self.assertEqual(self.peers(relay), ["::1"])

    def test_address_this_machine_does_not_have(self) -> None:
        relay = self.host("127.0.0.2")
        result = self.deliver(relay, bind_address="203.0.113.99")
        self.assert_deferred(result, r"4\.\d\.\d", words=(relay.name,))
        self.assert_dialled(relay, 0)
