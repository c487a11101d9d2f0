"""A machine that is itself an MX host never sends mail to itself or to those behind it (Postfix's smtp_addr.c).

Its texts, but with 4.4.6 and 4.4.4: a fault of the configuration bounces nothing. Own is the port 25 of own addresses.
"""

from __future__ import annotations

from reach_case import WorldCase
from support.case import each
from support.networks import OWN, OWN6
from support.relays import Relay

PRIMARY, OTHER, WORSE = "198.51.100.1", "198.51.100.2", "198.51.100.3"
NAMES = f"""
    host-record=me.test,{OWN}
    host-record=me6.test,{OWN6}
    host-record=both.test,{PRIMARY}
    host-record=both.test,{OWN}
    host-record=primary.test,{PRIMARY}
    host-record=other.test,{OTHER}
    host-record=worse.test,{WORSE}
"""
LOOPS = "loops back to myself"


class LoopCase(WorldCase):
    """Relays listen on port 25 of every address in question, so that a wrong connection would be seen."""

    def setUp(self) -> None:
        super().setUp()
        self.port = 25

    def domain(self, *hosts: str, more: str = "") -> None:
        """MX records of dom.test as `primary 10`."""
        lines = [f"mx-host=dom.test,{host.split()[0]}.test,{host.split()[1]}" for host in hosts]
        self.dnsmasq("\n".join([NAMES, *lines, more]))

    def assert_loop(self, *hops: str, name: str, **settings: str) -> None:
        mine = [self.host(address) for address in (OWN, "127.0.0.1", OWN6)]
        self.assert_deferred(self.deliver(*hops, **settings), r"4\.4\.6", words=(f"mail for {name} {LOOPS}",))
        for relay in mine:
            self.assert_dialled(relay, 0)


class OwnAddress(LoopCase):
    @each({"address": (f"[{OWN}]", OWN), "loopback": ("[127.0.0.1]", "127.0.0.1"), "name": ("[me.test]", "me.test"),
           "ipv6": (f"[ipv6:{OWN6}]", OWN6), "name6": ("[me6.test]", "me6.test"), "no_mx": ("me.test", "me.test"),
           "one_of_two_addresses": ("[both.test]", "both.test"), "port_by_name": ("[me.test]:smtp", "me.test")})
    def test_relay_that_is_this_machine(self, destination: str, name: str) -> None:
        self.domain()
        self.assert_loop(destination, name=name)

    def test_another_port_is_another_server(self) -> None:
        self.domain()
        relay = self.host(OWN, port=2525)
        self.assert_took(self.deliver("[me.test]:2525"), relay, "me.test")

    @each({"own": ("own_addresses",), "proxy": ("proxy_addresses",)})
    def test_addresses_that_are_told(self, setting: str) -> None:
        """What no interface has: the outer address of a NAT."""
        self.domain()
        outer = self.host(OTHER)
        result = self.deliver("[other.test]", **{setting: f"203.0.113.77, {OTHER}"})
        self.assert_deferred(result, r"4\.4\.6", words=(LOOPS,))
        self.assert_dialled(outer, 0)

    def test_other_address_is_no_loop(self) -> None:
        self.domain()
        relay = self.host(OTHER)
        self.assert_took(self.deliver("[other.test]"), relay, "other.test")

    def test_later_relays_are_not_tried(self) -> None:
        """As smtp(8): they would only send the message back to us."""
        self.domain()
        later = self.host(OTHER)
        self.assert_loop("[me.test]", "[other.test]", name="me.test")
        self.assert_dialled(later, 0)

    def test_earlier_relay_that_is_slow_still_wins(self) -> None:
        """A loop in the second place is no reason to give up the first, which is only late."""
        self.domain()
        first = self.host(OTHER, "on greeting: delay 2s ; default")
        result = self.deliver("[other.test]", "[me.test]", patience="300ms")
        self.assert_took(result, first, "other.test")


class OwnMx(LoopCase):
    def unwanted(self) -> tuple[Relay, Relay, Relay]:
        return self.host(OTHER), self.host(WORSE), self.host(OWN)

    def assert_primary_took(self, primary: Relay, *others: Relay) -> None:
        self.assert_took(self.deliver("dom.test"), primary, "primary.test")
        for relay in others:
            self.assert_dialled(relay, 0)

    def test_better_ones_are_used(self) -> None:
        self.domain("primary 10", "me 20", "worse 30")
        primary = self.host(PRIMARY)
        self.assert_primary_took(primary, *self.unwanted())

    def test_equal_and_worse_ones_are_dropped(self) -> None:
        """The primary is down: the message waits here and does not go to those behind us."""
        self.domain("primary 10", "me 20", "other 20", "worse 30")
        unused = self.unwanted()
        self.assert_deferred(self.deliver("dom.test"), r"4\.4\.1", words=("primary.test[198.51.100.1]:25: Connection refused",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    @each({"alone": (("me 10",),), "among_equals": (("me 10", "other 10"),), "with_worse": (("me 10", "worse 20"),)})
    def test_own_is_the_best(self, records: tuple[str, ...]) -> None:
        self.domain(*records)
        unused = self.host(WORSE), self.host(OTHER)
        self.assert_loop("dom.test", name="dom.test")
        for relay in unused:
            self.assert_dialled(relay, 0)

    @each({"own_domain": ("rcpt@dom.test",), "other_domain": ("rcpt@example.net",)})
    def test_never_a_bounce(self, recipient: str) -> None:
        self.domain("me 10")
        self.assert_deferred(self.deliver("dom.test", to=(recipient,)), r"4\.4\.6", words=(LOOPS,))

    @each({"nxdomain": ("gone",), "servfail": ("sick",)})
    def test_better_ones_have_no_address(self, better: str) -> None:
        mx = f"dom.test MX 10 {better}.test, 20 me.test, 30 worse.test\n"
        self.responder(mx + f"me.test A {OWN}\nworse.test A {WORSE}\nsick.test * servfail")
        unused = self.unwanted()
        result = self.deliver("dom.test")
        self.assert_deferred(result, r"4\.4\.4", words=("unable to find primary relay for dom.test",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    def test_no_primary_and_no_later_relay(self) -> None:
        self.domain("gone 10", "me 20")
        later = self.host(OTHER)
        self.assert_deferred(self.deliver("dom.test", "[other.test]"), r"4\.4\.4", words=("unable to find primary relay",))
        self.assert_dialled(later, 0)

    def test_own_name_with_an_address_that_is_not_ours(self) -> None:
        """Behind a NAT: the record names us, and hostname tells our name."""
        self.domain("primary 10", "other 20", "worse 30")
        unused = self.unwanted()
        result = self.deliver("dom.test", hostname="Other.test")
        self.assert_deferred(result, r"4\.4\.1", words=("primary.test",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    def test_own_name_without_any_address(self) -> None:
        self.domain("primary 10", "nowhere 20", "worse 30")
        unused = self.unwanted()
        result = self.deliver("dom.test", hostname="nowhere.test")
        self.assert_deferred(result, r"4\.4\.1", words=("primary.test",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    def test_own_address_told_by_proxy_addresses(self) -> None:
        self.domain("primary 10", "other 20", "worse 30")
        unused = self.unwanted()
        result = self.deliver("dom.test", proxy_addresses=OTHER)
        self.assert_deferred(result, r"4\.4\.1", words=("primary.test",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    def test_own_address_as_an_mx_literal(self) -> None:
        self.responder(f"dom.test MX 10 primary.test, 20 {OWN}, 30 worse.test\n"
                       f"primary.test A {PRIMARY}\nworse.test A {WORSE}")
        unused = self.unwanted()
        self.assert_deferred(self.deliver("dom.test"), r"4\.4\.1", words=("primary.test",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    def test_own_address_beyond_the_address_limit(self) -> None:
        """The limit is for what is tried; loops are looked for in the whole list."""
        self.domain("primary 10", "worse 20", "me 20")
        unused = self.unwanted()
        self.assert_deferred(self.deliver("dom.test", mx_address_limit="1"), r"4\.4\.1", words=("primary.test",))
        for relay in unused:
            self.assert_dialled(relay, 0)

    def test_another_port_has_no_loops(self) -> None:
        self.domain("me 10", "worse 20")
        relay = self.host(OWN, port=2525)
        self.assert_took(self.deliver("dom.test:2525"), relay, "me.test")
