"""Each way in which DNS can answer or fail is told apart, and none of them bounces mail for a configured relay."""

from __future__ import annotations

from reach_case import ReachCase
from support.case import each
from support.relays import RefusedPort

HOSTS = """
    host-record=mail.test,127.0.0.2
    host-record=second.test,127.0.0.3
    host-record=only6.test,::1
    cname=alias.test,mail.test
    cname=farther.test,alias.test
    cname=dangling.test,gone.test
    txt-record=text.test,"a name without an address"
    address=/sink.test/127.0.0.2
"""
SECOND = "second.test A 127.0.0.3\n"
# How the address of mail.test is answered, and what the text for it has to say.
BROKEN = {
    "servfail": ("mail.test * servfail", r"(?i)(general|server) failure|servfail"),
    "refused": ("mail.test * refused", r"(?i)refused"),
    "silent": ("mail.test * silent", r"(?i)time-?d? ?out"),
    "notimp": ("mail.test * notimp", r"(?i)not impl|does not implement"),
    "formerr": ("mail.test * formerr", r"(?i)mis-?formatted|format"),
    "garbage": ("mail.test * garbage", r"(?i)time-?d? ?out|malformed|mis-?formatted|bad"),
    "cut_in_record": ("mail.test * cut 30 127.0.0.2", r"(?i)time-?d? ?out|malformed|mis-?formatted|bad"),
    "header_only": ("mail.test * cut 12 127.0.0.2", r"(?i)time-?d? ?out|malformed|mis-?formatted|bad"),
    "tcp_dead": ("mail.test * tcp-dead", r"mail\.test"),
}
ABSENT = {
    "nxdomain": ("typo.test", r"(?i)not found"),
    "no_data": ("text.test", r"(?i)no data"),
    "dangling_alias": ("dangling.test", r"(?i)not found|no data"),
}


class RealServer(ReachCase):
    """dnsmasq answers as DNS servers do."""

    def setUp(self) -> None:
        super().setUp()
        self.server = self.dnsmasq(HOSTS)

    def test_address_of_a_name(self) -> None:
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")
        self.server.stop()
        self.assertEqual(sorted(self.server.queries), ["mail.test A", "mail.test AAAA"])

    def test_address_in_brackets_needs_no_dns(self) -> None:
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[127.0.0.2]")), relay, "127.0.0.2")
        self.server.stop()
        self.assertEqual(self.server.queries, [])

    def test_name_with_an_ipv6_address_only(self) -> None:
        relay = self.host("::1")
        self.assert_took(self.deliver(self.nexthop("[only6.test]")), relay, "only6.test")

    @each({"one_step": ("alias.test",), "two_steps": ("farther.test",)})
    def test_alias(self, name: str) -> None:
        """The name that was asked for stays the name of the host: the administrator knows that one."""
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop(f"[{name}]")), relay, name)

    def test_wildcard(self) -> None:
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[any.thing.sink.test]")), relay, "any.thing.sink.test")

    def test_name_is_not_completed(self) -> None:
        """Search domains of the machine do not apply: `mail` is not mail.test."""
        self.host("127.0.0.2")
        self.assert_deferred(self.deliver(self.nexthop("[mail]")), r"4\.4\.[34]")

    @each(ABSENT)
    def test_absent_name_of_a_configured_relay_defers(self, name: str, words: str) -> None:
        result = self.deliver(self.nexthop(f"[{name}]"))
        self.assert_deferred(result, r"4\.4\.4", words=(f"Name service error for name={name} type=A",))
        self.assertRegex(result.text, words)

    @each(ABSENT)
    def test_absent_name_next_relay(self, name: str, words: str) -> None:
        second = self.host("127.0.0.3")
        result = self.deliver(self.nexthop(f"[{name}]"), self.nexthop("[second.test]"))
        self.assert_took(result, second, "second.test")
        self.assertIn(f"; tried {name}: name service error for name={name}", result.text)

    def test_absent_name_is_looked_up_once(self) -> None:
        self.deliver(self.nexthop("[typo.test]"))
        self.server.stop()
        self.assertEqual((self.server.asked("typo.test", "A"), self.server.asked("typo.test", "AAAA")), (1, 1))

    @each({"of_the_list": ("typo.test", "typo.test:{0}"), "bare_for_a_relay": ("other.test", "typo.test:{0}")})
    def test_domain_without_brackets_in_a_list_is_a_relay(self, domain: str, destination: str) -> None:
        """Somebody has written the list, so a typing error in it never bounces, even for that very domain."""
        name = destination.format(self.port)
        result = self.deliver(name, name, to=(f"user@{domain}",))
        self.assert_deferred(result, r"4\.4\.4")

    def test_own_domain_of_the_recipient_that_does_not_exist(self) -> None:
        """What Postfix makes the nexthop where nothing is configured: the domain of the recipient."""
        result = self.deliver("typo.test", to=("user@typo.test",))
        self.assert_bounced(result, r"5\.1\.2", words=("Host or domain name not found", "typo.test"))
        self.assertEqual(result.status, 68)

    def test_own_domain_in_other_letters(self) -> None:
        self.assert_bounced(self.deliver("typo.test", to=("user@Typo.TEST",)), r"5\.1\.2")

    def test_bare_domain_for_another_recipient_domain_is_a_relay(self) -> None:
        self.assert_deferred(self.deliver("typo.test", to=("user@other.test",)), r"4\.4\.4")

    def test_truncated_answer_comes_again_by_tcp(self) -> None:
        """Forty addresses are more than 512 octets, so a real server truncates too."""
        many = "\n".join(f"host-record=many.test,127.0.0.{n}" for n in range(20, 70))
        self.settings["dns_servers"] = ""
        self.dnsmasq(many)
        relays = [self.host(f"127.0.0.{n}") for n in range(20, 70, 49)]
        result = self.deliver(self.nexthop("[many.test]"), mx_address_limit="0")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(sum(len(relay.accepted) for relay in relays), 1)


class BrokenServer(ReachCase):
    """The scripted responder answers as no server should."""

    @each(BROKEN)
    def test_defers_and_says_which(self, line: str, words: str) -> None:
        self.responder(line)
        result = self.deliver(self.nexthop("[mail.test]"))
        self.assert_deferred(result, r"4\.4\.3", words=("mail.test",))
        self.assertRegex(result.text, words)

    @each(BROKEN)
    def test_next_relay(self, line: str, words: str) -> None:
        self.responder(line + "\n" + SECOND)
        second = self.host("127.0.0.3")
        result = self.deliver(self.nexthop("[mail.test]"), self.nexthop("[second.test]"), patience="500ms")
        self.assert_took(result, second, "second.test")

    @each(BROKEN)
    def test_recipients_own_domain_is_not_bounced(self, line: str, words: str) -> None:
        """Only "does not exist" speaks about the recipient; trouble with DNS never does."""
        self.responder(line)
        self.assert_deferred(self.deliver("mail.test", to=("user@mail.test",)), r"4\.4\.3")

    @each({"servfail": ("servfail",), "silent": ("silent",)})
    def test_second_try_helps(self, first: str) -> None:
        self.responder(f"mail.test A {first} | 127.0.0.2\nmail.test AAAA nodata")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")

    def test_truncated_then_tcp(self) -> None:
        server = self.responder("mail.test A tc 127.0.0.2\nmail.test AAAA nodata")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")
        server.stop()
        self.assertEqual(sorted(server.transports), ["tcp", "udp", "udp"])

    def test_slow_aaaa_is_not_waited_for(self) -> None:
        """RFC 8305 section 3: 50 ms after the A records the connection begins without the AAAA records."""
        server = self.responder("mail.test A 127.0.0.2\nmail.test AAAA delay 8s ::1")
        relay = self.host("127.0.0.2")
        result = self.deliver(self.nexthop("[mail.test]"), dns_timeout="10s")
        self.assert_took(result, relay, "mail.test")
        self.assertLess(result.seconds, 4, "the answer of 8 s was waited for")
        server.stop()
        self.assertEqual(server.asked("mail.test", "AAAA"), 1)

    def test_slow_a_is_not_waited_for(self) -> None:
        self.responder("mail.test A delay 8s 127.0.0.2\nmail.test AAAA ::1")
        relay = self.host("::1")
        result = self.deliver(self.nexthop("[mail.test]"), dns_timeout="10s")
        self.assert_took(result, relay, "mail.test")
        self.assertLess(result.seconds, 4, "the answer of 8 s was waited for")

    @each({"servfail": ("servfail",), "nxdomain": ("nxdomain",), "refused": ("refused",)})
    def test_broken_aaaa_does_not_hide_the_a_record(self, answer: str) -> None:
        """Seen in the wild at load balancers that know A only."""
        self.responder(f"mail.test A 127.0.0.2\nmail.test AAAA {answer}")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")

    @each({"servfail": ("servfail",), "silent": ("silent",)})
    def test_no_data_and_a_failure_is_a_failure(self, answer: str) -> None:
        """No AAAA record, and nobody knows whether there is an A record: that is no statement about the name."""
        self.responder(f"mail.test A {answer}\nmail.test AAAA nodata\nmail.test MX nodata")
        self.assert_deferred(self.deliver("mail.test", to=("user@mail.test",)), r"4\.4\.3")

    def test_all_look_ups_of_a_relay_have_a_limit(self) -> None:
        """The limit of one query is longer than that of the whole here."""
        self.responder("mail.test * silent\n" + SECOND)
        result = self.deliver(self.nexthop("[mail.test]"), dns_timeout="60s", resolve_limit="500ms")
        self.assert_deferred(result, r"4\.4\.3")
        self.assertLess(result.seconds, 20)

    def test_deadline_ends_a_look_up(self) -> None:
        self.responder("mail.test * silent")
        result = self.deliver(self.nexthop("[mail.test]"), dns_timeout="60s", resolve_limit="60s", deadline="1s")
        self.assert_deferred(result, words=("deadline",))
        self.assertLess(result.seconds, 20)


class DeadServer(ReachCase):
    def test_nobody_there(self) -> None:
        closed = self.dead(RefusedPort)
        result = self.deliver(self.nexthop("[mail.test]"), dns_servers=f"127.0.0.1:{closed.port}")
        self.assert_deferred(result, r"4\.4\.3", words=("mail.test",))

    def test_relay_by_address_is_reached_all_the_same(self) -> None:
        closed = self.dead(RefusedPort)
        relay = self.host("127.0.0.2")
        result = self.deliver(self.nexthop("[mail.test]"), self.nexthop("[127.0.0.2]"),
                              dns_servers=f"127.0.0.1:{closed.port}")
        self.assert_took(result, relay, "127.0.0.2")

    @each({"refusing": ("",), "silent": ("* * silent",), "servfail": ("* * servfail",), "refused": ("* * refused",)})
    def test_second_server_answers(self, first: str) -> None:
        if first:
            self.responder(first)
        else:
            self.settings["dns_servers"] = f"127.0.0.1:{self.dead(RefusedPort).port}"
        self.dnsmasq(HOSTS)
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(self.nexthop("[mail.test]")), relay, "mail.test")

    def test_two_silent_servers_cost_one_patience(self) -> None:
        """The relay behind the dead servers waits; the next one, whose address is known, starts meanwhile."""
        self.responder("* * silent")
        self.responder("* * silent")
        relay = self.host("127.0.0.2")
        result = self.deliver(self.nexthop("[mail.test]"), self.nexthop("[127.0.0.2]"),
                              dns_timeout="5s", patience="300ms")
        self.assert_took(result, relay, "127.0.0.2")
        self.assertLess(result.seconds, 4, "the dead servers were waited for")
