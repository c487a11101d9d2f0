"""Trouble before MAIL is trouble with the relay: the next one takes the message, and nothing ever bounces."""

from __future__ import annotations

from support.case import DeliveryCase, each, limits_for
from support.relays import BlackHole, RefusedPort

BAD_SESSIONS = {
    "silent_greeting": ("silent-greeting",),
    "deaf": ("on greeting: deaf",),
    "drip_greeting": ("drip-greeting",),
    "close_at_connect": ("close-at-connect",),
    "reset_at_connect": ("reset-at-connect",),
    "half_greeting": ("on greeting: send 220-rela ; close",),
    "half_greeting_silent": ("on greeting: send 220-rela ; silent",),
    "greeting_421": ("greeting-421",),
    "greeting_451": ("greeting-451",),
    "greeting_554": ("greeting-554",),
    "greeting_554_lines": ("greeting-554-lines",),
    "greeting_550_no_enhanced": ("on greeting: reply 550 go away ; close",),
    "greeting_354": ("on greeting: reply 354 send it",),
    "ehlo_421": ("ehlo-421",),
    "ehlo_helo_refused": ("ehlo-helo-refused",),
    "ehlo_helo_450": ("on ehlo: reply 450 4.7.1 wait\non helo: reply 450 4.7.1 wait",),
    "silent_ehlo": ("silent-ehlo",),
    "drip_ehlo": ("on ehlo: drip 200ms ; reply 250 ${long-*50}",),
    "close_at_ehlo": ("on ehlo: close",),
    "reset_at_ehlo": ("on ehlo: reset",),
    "half_ehlo": (r"on ehlo: send 250-relay.test\r\n250-PIPEL ; close",),
    "half_ehlo_silent": (r"on ehlo: send 250-relay.test\r\n250-PIPELINING\r\n ; silent",),
}


class SessionFailoverTest(DeliveryCase):
    @each(BAD_SESSIONS)
    def test_the_second_relay_takes_it(self, script: str) -> None:
        first, second = self.relay(script), self.relay()
        result = self.deliver(first, second, **limits_for(script))
        self.assert_sent(result, by=second)
        self.assert_untouched(first)
        self.assertGreater(len(first.connections), 0, "the first relay was not even tried")
        self.assertIn(f"; tried {first.host}: ", result.text)

    @each(BAD_SESSIONS)
    def test_alone_it_defers(self, script: str) -> None:
        """The relay's own 5yz speaks of the session, so even that ends as 4.x.x and exit 75."""
        relay = self.relay(script)
        result = self.deliver(relay, **limits_for(script))
        self.assert_deferred(result, words=(relay.name,))
        self.assert_untouched(relay)

    @each({"refused": (RefusedPort,), "black_hole": (BlackHole,)})
    def test_no_connection(self, kind: type) -> None:
        dead, second = self.dead(kind), self.relay()
        result = self.deliver(dead, second, connect_timeout="700ms")
        self.assert_sent(result, by=second)
        self.assertIn("tried ", result.text)

    def test_refused_alone(self) -> None:
        dead = self.dead(RefusedPort)
        self.assert_deferred(self.deliver(dead), r"4\.4\.1", words=(
            f"connect to {dead.host}[{dead.host}]:{dead.port}: Connection refused",))

    def test_connect_timeout_alone(self) -> None:
        hole = self.dead(BlackHole)
        result = self.deliver(hole, connect_timeout="700ms")
        self.assert_deferred(result, r"4\.4\.1", words=(f"{hole.host}[{hole.host}]:{hole.port}",))
        self.assertRegex(result.text, "(?i)timed out")

    @each({"first_only": ("on greeting: reply 554 5.7.1 no",), "closing": ("close-at-connect",)})
    def test_three_relays_the_third_is_good(self, script: str) -> None:
        first, second, third = self.relay(script), self.dead(RefusedPort), self.relay()
        result = self.deliver(first, second, third)
        self.assert_sent(result, by=third)
        self.assertIn("; tried ", result.text)

    def test_all_down_names_every_relay(self) -> None:
        hops = [self.relay("silent-greeting", listen="127.0.0.2"), self.dead(RefusedPort, "127.0.0.3"),
                self.relay("greeting-421", listen="127.0.0.4"), self.relay("greeting-554", listen="127.0.0.5")]
        self.assert_deferred(self.deliver(*hops, greeting_timeout="700ms"), words=tuple(hop.host for hop in hops))

    def test_a_554_greeting_everywhere_never_bounces(self) -> None:
        relays = [self.relay("greeting-554") for _ in range(3)]
        self.assert_deferred(self.deliver(*relays), r"4\.\d+\.\d+", words=("554",))

    def test_the_relays_own_words_are_quoted(self) -> None:
        relay = self.relay("greeting-554-lines")
        self.assert_deferred(self.deliver(relay), words=("refused to talk to me", "554", "access denied"))

    def test_the_order_of_the_list_is_kept(self) -> None:
        relays = [self.relay() for _ in range(3)]
        self.assert_sent(self.deliver(*relays), by=relays[0])
        for relay in relays[1:]:
            self.assert_untouched(relay)

    def test_the_same_relay_twice_gives_it_a_second_chance(self) -> None:
        relay = self.relay("on greeting connection 1: close")
        self.assert_sent(self.deliver(relay, relay), by=relay)

    def test_ipv6(self) -> None:
        relay = self.relay(listen="::1")
        result = self.deliver(relay)
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"[::1]:{relay.port}: 250 ", result.text)
        self.assertEqual(len(relay.accepted), 1)

    def test_ipv6_dead_ipv4_alive(self) -> None:
        relay = self.relay()
        self.assert_sent(self.deliver(self.dead(RefusedPort, "::1"), relay), by=relay)

    def test_a_host_name_is_looked_up(self) -> None:
        relay = self.relay()
        result = self.deliver(f"[localhost]:{relay.port}")
        self.assertEqual(result.status, 0, result)
        self.assertTrue(result.text.startswith(f"localhost[127.0.0.1]:{relay.port}: 250 "), result)
        self.assertEqual(len(relay.accepted), 1)

    def test_a_name_that_does_not_resolve_is_relay_trouble(self) -> None:
        """No DNS server answers on the refused port, so nothing leaves this machine."""
        dns = self.dead(RefusedPort)
        relay = self.relay()
        settings = {"dns_servers": f"127.0.0.1:{dns.port}", "dns_timeout": "300ms"}
        self.assert_sent(self.deliver("[nosuch.invalid]:25", relay, **settings), by=relay)
        alone = self.deliver("[nosuch.invalid]:25", **settings)
        self.assertEqual(alone.status, 75, alone)
        self.assertRegex(alone.text, r"^4\.\d+\.\d+ .*nosuch\.invalid", alone)

    def test_a_silent_relay_costs_its_timeout_only(self) -> None:
        """Far below the RFC's five minutes; the exact time is not the question here."""
        first, second = self.relay("silent-greeting"), self.relay()
        result = self.deliver(first, second, greeting_timeout="700ms")
        self.assert_sent(result, by=second)
        self.assertLess(result.seconds, 10)

    def test_a_drip_cannot_stretch_the_greeting_timeout(self) -> None:
        relay = self.relay("drip-greeting")
        result = self.deliver(relay, greeting_timeout="700ms")
        self.assert_deferred(result)
        self.assertLess(result.seconds, 10)
