"""Domains without brackets: MX by preference, as RFC 5321 5.1 and Postfix have it, with Postfix's two limits."""

from __future__ import annotations

from collections import Counter

from reach_case import ReachCase
from support.case import each
from support.relays import Relay

DOMAIN = """
    mx-host=dom.test,mx1.test,10
    mx-host=dom.test,mx2.test,20
    mx-host=dom.test,mx3.test,30
    host-record=mx1.test,127.0.0.2
    host-record=mx2.test,127.0.0.3
    host-record=mx3.test,127.0.0.4
"""
MX_ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
LATER = "on rcpt: reply 451 4.3.0 not now"
NULL_MX = "dns-rr=null.test,15,000000\nhost-record=null.test,127.0.0.2"


class Order(ReachCase):
    def take(self, *scripts: str) -> list[Relay]:
        """The MX hosts of dom.test in the order of their preference, each with its script."""
        self.server = self.dnsmasq(DOMAIN)
        return [self.host(address, script) for address, script in zip(MX_ADDRESSES, scripts)]

    def test_best_preference_first(self) -> None:
        first, second, third = self.take("", "", "")
        self.assert_took(self.deliver(self.nexthop("dom.test")), first, "mx1.test")
        for other in (second, third):
            self.assert_dialled(other, 0)

    def test_next_preference_when_refused(self) -> None:
        self.dnsmasq(DOMAIN)
        second = self.host("127.0.0.3")
        result = self.deliver(self.nexthop("dom.test"))
        self.assert_took(result, second, "mx2.test")
        self.assertIn("; tried mx1.test: Connection refused", result.text)
        self.assertEqual([a.result for a in self.attempts()], ["failed", "accepted"])

    @each({"greeting_554": ("on greeting: reply 554 5.7.1 no",), "rcpt_451": (LATER,), "closes": ("on ehlo: close",),
           "dot_451": ("on dot: reply 451 4.3.0 later",)})
    def test_next_preference_when_the_best_fails(self, script: str) -> None:
        _, second = self.take(script, "")
        self.assert_took(self.deliver(self.nexthop("dom.test")), second, "mx2.test")

    def test_recipient_refused_by_the_best_is_final(self) -> None:
        first, second = self.take("on rcpt: reply 550 5.1.1 no such user", "")
        self.assert_bounced(self.deliver(self.nexthop("dom.test")), r"5\.1\.1")
        self.assert_dialled(first)
        self.assert_dialled(second, 0)

    def test_all_dead_names_the_hosts(self) -> None:
        self.dnsmasq(DOMAIN)
        result = self.deliver(self.nexthop("dom.test"))
        self.assert_deferred(result, r"4\.4\.1", words=(f"connect to mx3.test[127.0.0.4]:{self.port}: Connection refused",
                                                        "mx1.test: Connection refused", "mx2.test: Connection refused"))

    def test_next_relay_after_the_last_mx(self) -> None:
        self.dnsmasq(DOMAIN)
        last = self.host("127.0.0.9")
        self.assert_took(self.deliver(self.nexthop("dom.test"), self.nexthop("[127.0.0.9]")), last, "127.0.0.9")

    def test_equal_preferences_are_shuffled(self) -> None:
        """A fair coin leaves one of two hosts out of 24 deliveries once in eight million runs."""
        self.dnsmasq("mx-host=dom.test,a.test,10\nmx-host=dom.test,b.test,10\nmx-host=dom.test,c.test,20\n"
                     "host-record=a.test,127.0.0.2\nhost-record=b.test,127.0.0.3\nhost-record=c.test,127.0.0.4")
        relays = [self.host(address) for address in MX_ADDRESSES]
        for _ in range(24):
            self.assertEqual(self.deliver(self.nexthop("dom.test")).status, 0)
        a, b, c = [len(relay.accepted) for relay in relays]
        self.assertEqual((a + b, c), (24, 0))
        self.assertTrue(a and b, f"never shuffled: {a} and {b}")

    def test_addresses_of_a_host_are_shuffled(self) -> None:
        self.dnsmasq("host-record=mail.test,127.0.0.2\nhost-record=mail.test,127.0.0.3")
        relays = [self.host(address) for address in MX_ADDRESSES[:2]]
        for _ in range(24):
            self.assertEqual(self.deliver(self.nexthop("[mail.test]")).status, 0)
        counts = Counter(relay.host for relay in relays for _ in relay.accepted)
        self.assertEqual(len(counts), 2, counts)


class WhatMxRecordsHold(ReachCase):
    def test_no_mx_means_the_address_of_the_name(self) -> None:
        server = self.dnsmasq("host-record=dom.test,127.0.0.2")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "dom.test")
        server.stop()
        self.assertEqual(server.queries[0], "dom.test MX")

    def test_brackets_turn_mx_off(self) -> None:
        server = self.dnsmasq(DOMAIN + "host-record=dom.test,127.0.0.9")
        self.host("127.0.0.2")
        relay = self.host("127.0.0.9")
        self.assert_took(self.deliver(self.nexthop("[dom.test]")), relay, "dom.test")
        server.stop()
        self.assertEqual(server.asked("dom.test", "MX"), 0)

    def test_alias_as_mx(self) -> None:
        """Against RFC 2181 10.3, and Postfix uses it."""
        self.dnsmasq("mx-host=dom.test,alias.test,10\ncname=alias.test,mail.test\nhost-record=mail.test,127.0.0.2")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "alias.test")

    def test_domain_that_is_an_alias(self) -> None:
        self.responder("www.test MX alias dom.test\ndom.test MX 10 mail.test\nmail.test A 127.0.0.2")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("www.test")), relay, "mail.test")

    def test_address_as_mx(self) -> None:
        """Against RFC 5321 5.1, and Postfix uses it ("numeric domain name in resource data")."""
        self.responder("dom.test MX 10 127.0.0.2")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "127.0.0.2")

    def test_name_in_capitals(self) -> None:
        self.responder("dom.test MX 10 MX1.Test\nmx1.test A 127.0.0.2")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("Dom.TEST")), relay, "mx1.test")

    def test_same_host_twice(self) -> None:
        self.responder("dom.test MX 10 mx1.test, 20 mx1.test\nmx1.test A 127.0.0.2")
        relay = self.host("127.0.0.2", LATER)
        self.assert_deferred(self.deliver(self.nexthop("dom.test")), r"4\.3\.0")
        self.assertIn(len(relay.transactions), (1, 2))

    def test_port_of_the_destination_holds_for_every_mx(self) -> None:
        self.dnsmasq(DOMAIN)
        relay = self.host("127.0.0.4")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "mx3.test")

    def test_long_list_comes_by_tcp(self) -> None:
        """Sixty MX records are more than 512 octets; the best one must not be among those that were cut off."""
        lines = [f"mx-host=dom.test,a-rather-long-name-for-a-host-{n}.test,{1000 - n}" for n in range(60)]
        lines += [f"host-record=a-rather-long-name-for-a-host-{n}.test,127.0.0.{n + 2}" for n in range(60)]
        self.dnsmasq("\n".join(lines))
        relay = self.host("127.0.0.61")
        self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "a-rather-long-name-for-a-host-59.test")

    @each({"nxdomain": ("gone.test", ""), "servfail": ("sick.test", "sick.test * servfail"),
           "silent": ("mute.test", "mute.test * silent"), "no_address": ("bare.test", "bare.test TXT x")})
    def test_best_mx_without_address(self, host: str, zone: str) -> None:
        self.responder(f"dom.test MX 10 {host}, 20 mx2.test\nmx2.test A 127.0.0.3\n{zone}")
        second = self.host("127.0.0.3")
        self.assert_took(self.deliver(self.nexthop("dom.test")), second, "mx2.test")

    @each({"a_relay": ("rcpt@example.net",), "the_recipients_domain": ("rcpt@dom.test",)})
    def test_no_mx_has_an_address(self, recipient: str) -> None:
        """The domain exists and wants mail: somebody's mistake, which will be fixed. smtp(8) would bounce it (5.4.4)."""
        self.responder("dom.test MX 10 gone.test, 20 away.test")
        self.assert_deferred(self.deliver("dom.test", to=(recipient,)), r"4\.4\.4", words=(".test",))

    @each({"servfail": ("servfail",), "refused": ("refused",), "silent": ("silent",), "garbage": ("garbage",),
           "formerr": ("formerr",), "cut": ("cut 40 10 mx1.test",)})
    def test_failed_mx_look_up_does_not_fall_back_to_the_address(self, answer: str) -> None:
        """Nobody knows the MX hosts then; what answers at the name's own address may be a web server."""
        self.responder(f"dom.test MX {answer}\ndom.test A 127.0.0.2\nmx1.test A 127.0.0.3")
        web = self.host("127.0.0.2")
        for recipient in ("rcpt@example.net", "rcpt@dom.test"):
            result = self.deliver(self.nexthop("dom.test"), to=(recipient,), state="no")    # both are to look it up
            self.assert_deferred(result, r"4\.4\.3", words=("type=MX",))
        self.assert_dialled(web, 0)


class NullMx(ReachCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.dnsmasq(NULL_MX)
        self.web = self.host("127.0.0.2")

    def test_of_the_recipients_own_domain(self) -> None:
        result = self.deliver("null.test", to=("user@null.test",))
        self.assert_bounced(result, r"5\.1\.10", words=("Domain null.test does not accept mail (nullMX)",))
        self.assertEqual(result.status, 69)
        self.assert_dialled(self.web, 0)

    def test_of_a_configured_relay(self) -> None:
        result = self.deliver(self.nexthop("null.test"))
        self.assert_deferred(result, r"4\.\d\.\d", words=("does not accept mail (nullMX)",))
        self.assert_dialled(self.web, 0)

    def test_of_a_configured_relay_next_relay(self) -> None:
        second = self.host("127.0.0.3")
        result = self.deliver(self.nexthop("null.test"), self.nexthop("[127.0.0.3]"))
        self.assert_took(result, second, "127.0.0.3")
        self.assertIn("null.test: does not accept mail (nullMX)", result.text)

    def test_root_beside_a_real_mx_is_ignored(self) -> None:
        """RFC 7505 section 3: a null MX stands alone."""
        self.server.stop()
        self.settings["dns_servers"] = ""
        self.responder("dom.test MX 0 ., 10 mx1.test\nmx1.test A 127.0.0.3")
        relay = self.host("127.0.0.3")
        self.assert_took(self.deliver(self.nexthop("dom.test"), to=("user@dom.test",)), relay, "mx1.test")


class Limits(ReachCase):
    """mx_address_limit counts addresses, mx_session_limit sessions that got past the handshake."""

    def many(self, count: int) -> None:
        hosts = "".join(f"host-record=mx{n}.test,127.0.0.{n + 1}\n" for n in range(1, count + 1))
        self.dnsmasq(hosts + "\n".join(f"mx-host=dom.test,mx{n}.test,{n}" for n in range(1, count + 1)))

    @each({"default": ({}, 5), "two": ({"mx_address_limit": "2"}, 2), "none": ({"mx_address_limit": "0"}, 7)})
    def test_addresses(self, settings: dict[str, str], tried: int) -> None:
        self.many(7)
        last = self.host("127.0.0.99")
        result = self.deliver(self.nexthop("dom.test"), self.nexthop("[127.0.0.99]"), **settings)
        self.assert_took(result, last, "127.0.0.99")
        attempts = self.attempts()
        refused = [attempt.relay for attempt in attempts if attempt.result == "failed"]
        self.assertEqual(refused, [f"mx{n}.test[127.0.0.{n + 1}]:{self.port}" for n in range(1, tried + 1)])

    @each({"default": ({}, 2), "one": ({"mx_session_limit": "1"}, 1), "none": ({"mx_session_limit": "0"}, 4)})
    def test_sessions(self, settings: dict[str, str], tried: int) -> None:
        self.many(4)
        relays = [self.host(f"127.0.0.{n + 1}", LATER) for n in range(1, 5)]
        last = self.host("127.0.0.99")
        result = self.deliver(self.nexthop("dom.test"), self.nexthop("[127.0.0.99]"), **settings)
        self.assert_took(result, last, "127.0.0.99")
        self.assertEqual([len(relay.transactions) for relay in relays], [1] * tried + [0] * (4 - tried))

    def test_failed_connections_and_greetings_are_no_sessions(self) -> None:
        self.many(5)
        self.host("127.0.0.3", "on greeting: reply 554 5.7.1 go away")
        self.host("127.0.0.4", "on ehlo: close")
        fourth = self.host("127.0.0.5", LATER)
        fifth = self.host("127.0.0.6")
        self.assert_took(self.deliver(self.nexthop("dom.test")), fifth, "mx5.test")
        self.assertEqual(len(fourth.transactions), 1)

    def test_limits_count_for_each_relay_of_the_list(self) -> None:
        self.many(4)
        relays = [self.host(f"127.0.0.{n + 1}", LATER) for n in range(1, 5)]
        result = self.deliver(self.nexthop("dom.test"), self.nexthop("[mx4.test]"))
        self.assert_deferred(result, r"4\.3\.0")
        self.assertEqual([len(relay.transactions) for relay in relays], [1, 1, 0, 1])

    def test_unreachable_host_does_not_count_as_an_address(self) -> None:
        """A host without address takes no place of the five."""
        self.responder("dom.test MX 1 a.test, 2 b.test, 3 c.test, 4 d.test, 5 e.test, 6 f.test\nf.test A 127.0.0.2")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "f.test")
