"""SRV records of RFC 6186 and RFC 8314, by the prefix srv: or the setting, in RFC 2782's order, with MX behind them."""

from __future__ import annotations

from reach_case import ReachCase
from support.case import each

MAIL = """
    host-record=a.test,127.0.0.2
    host-record=b.test,127.0.0.3
    host-record=c.test,127.0.0.4
    host-record=dom.test,127.0.0.9
"""
LATER = "on rcpt: reply 451 4.3.0 not now"


class Srv(ReachCase):
    def serve(self, *records: str, more: str = "") -> None:
        """Records as `a.test 10 5`: host, priority, weight; the port is that of the test's relays."""
        lines = []
        for record in records:
            host, priority, weight = record.split()
            lines.append(f"srv-host=_submission._tcp.dom.test,{host},{self.port},{priority},{weight}")
        self.server = self.dnsmasq("\n".join([MAIL, *lines, more]))

    @each({"prefix": ("srv:dom.test", {}), "setting": ("dom.test", {"srv": "yes"})})
    def test_host_and_port_come_from_the_record(self, destination: str, settings: dict[str, str]) -> None:
        self.serve("a.test 0 0")
        relay = self.host("127.0.0.2")
        self.assert_took(self.deliver(destination, **settings), relay, "a.test")
        self.server.stop()
        self.assertEqual(self.server.asked("_submission._tcp.dom.test", "SRV"), 1)
        self.assertEqual(self.server.asked("dom.test", "MX"), 0)

    def test_without_the_setting_no_srv(self) -> None:
        self.serve("a.test 0 0")
        self.host("127.0.0.2")
        relay = self.host("127.0.0.9")
        self.assert_took(self.deliver(self.nexthop("dom.test")), relay, "dom.test")
        self.server.stop()
        self.assertEqual(self.server.asked("_submission._tcp.dom.test", "SRV"), 0)

    def test_brackets_turn_srv_off(self) -> None:
        self.serve("a.test 0 0")
        self.host("127.0.0.2")
        relay = self.host("127.0.0.9")
        self.assert_took(self.deliver(self.nexthop("[dom.test]"), srv="yes"), relay, "dom.test")

    def test_implicit_tls_asks_for_submissions(self) -> None:
        server = self.dnsmasq(MAIL + f"srv-host=_submissions._tcp.dom.test,a.test,{self.port},0,0")
        relay = self.host("127.0.0.2", "on greeting: close")
        result = self.deliver("smtps:dom.test", srv="yes")
        self.assert_deferred(result, words=(f"a.test[127.0.0.2]:{self.port}",))
        self.assert_dialled(relay)
        server.stop()
        self.assertEqual(server.queries[0], "_submissions._tcp.dom.test SRV")

    def test_lowest_priority_first(self) -> None:
        self.serve("b.test 20 100", "a.test 10 0", "c.test 30 0")
        first, second, third = [self.host(f"127.0.0.{n}") for n in (2, 3, 4)]
        self.assert_took(self.deliver("srv:dom.test"), first, "a.test")
        self.assert_dialled(second, 0)
        self.assert_dialled(third, 0)

    def test_next_priority_when_refused(self) -> None:
        self.serve("a.test 10 0", "b.test 20 0")
        second = self.host("127.0.0.3")
        self.assert_took(self.deliver("srv:dom.test"), second, "b.test")

    def test_next_relay_after_the_last_record(self) -> None:
        self.serve("a.test 10 0", "b.test 20 0")
        last = self.host("127.0.0.9")
        self.assert_took(self.deliver("srv:dom.test", self.nexthop("[127.0.0.9]")), last, "127.0.0.9")

    def test_weight(self) -> None:
        """99 to one: fewer than 25 of 30 come once in a million runs, 25 or more by a fair coin once in six thousand."""
        self.serve("a.test 10 990", "b.test 10 10")
        heavy, light = self.host("127.0.0.2"), self.host("127.0.0.3")
        for _ in range(30):
            self.assertEqual(self.deliver("srv:dom.test").status, 0)
        self.assertGreaterEqual(len(heavy.accepted), 25)
        self.assertEqual(len(heavy.accepted) + len(light.accepted), 30)

    def test_weight_zero_is_shared(self) -> None:
        self.serve("a.test 10 0", "b.test 10 0")
        both = self.host("127.0.0.2"), self.host("127.0.0.3")
        for _ in range(24):
            self.assertEqual(self.deliver("srv:dom.test").status, 0)
        self.assertTrue(all(relay.accepted for relay in both))

    def test_light_one_is_the_way_out(self) -> None:
        self.serve("a.test 10 65535", "b.test 10 0")
        light = self.host("127.0.0.3")
        self.assert_took(self.deliver("srv:dom.test"), light, "b.test")

    def test_session_limit_holds_for_srv_too(self) -> None:
        self.serve("a.test 1 0", "b.test 2 0", "c.test 3 0")
        relays = [self.host(f"127.0.0.{n}", LATER) for n in (2, 3, 4)]
        self.assert_deferred(self.deliver("srv:dom.test"), r"4\.3\.0")
        self.assertEqual([len(relay.transactions) for relay in relays], [1, 1, 0])


class WithoutSrv(ReachCase):
    def test_mx_where_there_is_no_srv(self) -> None:
        server = self.dnsmasq(MAIL + "mx-host=dom.test,b.test,10")
        relay = self.host("127.0.0.3")
        self.assert_took(self.deliver(self.nexthop("dom.test"), srv="yes"), relay, "b.test")
        server.stop()
        self.assertEqual(server.queries[:2], ["_submission._tcp.dom.test SRV", "dom.test MX"])

    def test_address_where_there_is_neither(self) -> None:
        self.dnsmasq(MAIL)
        relay = self.host("127.0.0.9")
        self.assert_took(self.deliver(self.nexthop("dom.test"), srv="yes"), relay, "dom.test")

    def test_no_data_is_as_good_as_no_name(self) -> None:
        self.responder("_submission._tcp.dom.test SRV nodata\ndom.test MX 10 b.test\nb.test A 127.0.0.3")
        relay = self.host("127.0.0.3")
        self.assert_took(self.deliver(self.nexthop("dom.test"), srv="yes"), relay, "b.test")

    @each({"servfail": ("servfail",), "silent": ("silent",), "refused": ("refused",)})
    def test_failed_look_up_does_not_fall_back(self, answer: str) -> None:
        """As Postfix without ignore_srv_lookup_error: nobody knows which servers the domain has."""
        self.responder(f"_submission._tcp.dom.test SRV {answer}\ndom.test MX 10 b.test\nb.test A 127.0.0.3")
        mx = self.host("127.0.0.3")
        self.assert_deferred(self.deliver(self.nexthop("dom.test"), srv="yes"), r"4\.4\.3", words=("type=SRV",))
        self.assert_dialled(mx, 0)

    def test_failed_look_up_next_relay(self) -> None:
        self.responder("* SRV servfail\nb.test A 127.0.0.3")
        second = self.host("127.0.0.3")
        self.assert_took(self.deliver("srv:dom.test", self.nexthop("[b.test]")), second, "b.test")

    def test_service_decidedly_not_offered(self) -> None:
        """The target `.` (RFC 2782): no fallback to MX, but the next relay of the list."""
        self.dnsmasq(MAIL + "srv-host=_submission._tcp.dom.test\nmx-host=dom.test,b.test,10")
        mx, second = self.host("127.0.0.3"), self.host("127.0.0.4")
        result = self.deliver("srv:dom.test", self.nexthop("[c.test]"))
        self.assert_took(result, second, "c.test")
        self.assert_dialled(mx, 0)

    def test_not_offered_and_nothing_else(self) -> None:
        self.dnsmasq(MAIL + "srv-host=_submission._tcp.dom.test")
        self.assert_deferred(self.deliver("srv:dom.test"), r"4\.4\.4", words=("dom.test", "not offered"))

    def test_not_offered_is_no_word_about_the_recipient(self) -> None:
        """With srv = yes the recipient's own domain may come here. It exists: 5.1.2 would be a lie, and a bounce."""
        self.dnsmasq(MAIL + "srv-host=_submission._tcp.dom.test\nmx-host=dom.test,b.test,10")
        result = self.deliver("dom.test", srv="yes", to=("user@dom.test",))
        self.assertNotEqual(result.status, 68, result)
        self.assertFalse(result.text.startswith("5."), result)

    def test_target_without_address(self) -> None:
        self.dnsmasq(MAIL + f"srv-host=_submission._tcp.dom.test,gone.test,{self.port},0,0\n"
                            f"srv-host=_submission._tcp.dom.test,b.test,{self.port},5,0")
        relay = self.host("127.0.0.3")
        self.assert_took(self.deliver("srv:dom.test"), relay, "b.test")
