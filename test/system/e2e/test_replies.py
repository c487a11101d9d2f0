"""Foreign bytes in replies: never a crash, a hang, a bounce by accident, or a second output line."""

from __future__ import annotations

import re

from support.case import DeliveryCase, each, limits_for

NONSENSE = {
    "binary": "garbage 2000 ; close",
    "binary_open": "garbage 2000 ; silent",
    "text": "reply HTTP/1.1 400 Bad Request ; close",
    "empty_line": r"send \r\n ; close",
    "two_digits": "reply 25 ok ; close",
    "four_digits": "reply 2500 ok ; close",
    "bare_lf_text": r"send nonsense\n ; close",
    "nul_first": r"send \0\0\0\0\r\n ; close",
    "code_without_blank": "reply 220relay.test ; close",
    "tls_alert": r"send \x15\x03\x01\x00\x02\x02\x16 ; close",
    "overlong_line": "reply ${x*1000000} ; close",
    "overlong_without_end": "send 220-${x*3000000} ; silent",
    "flood_lines": "flood 250-more and more",
    "flood_codes": "flood 220-x",
    "flood_text": "flood no code at all",
    "flood_newlines": "flood",
    "different_codes": r"send 250-one\r\n550-two\r\n ; close",
}
STAGES = ("greeting", "ehlo", "mail", "rcpt", "data")

# A reply that must be understood, and the words of it that must appear in the text.
ODD_REFUSALS = {
    "lines": (r"550-5.1.1 line one\r\n550-5.1.1 line two\r\n550 5.1.1 no such user", ("line one", "no such user")),
    "no_text": ("550", ("550",)),
    "no_text_blank": ("550 ", ("550",)),
    "nul_inside": (r"550 5.1.1 no \0 such user", ("550", "such user")),
    "escape_codes": (r"550 5.1.1 \e[2J\e[31m no such user\x07", ("no such user",)),
    "cr_inside": (r"550 5.1.1 one\rtwo", ("550",)),
    "latin_1": (r"550 5.1.1 Empf\xe4nger unbekannt", ("unbekannt",)),
    "utf_8": ("550 5.1.1 Empfänger unbekannt", ("unbekannt",)),
    "broken_utf_8": (r"550 5.1.1 \xc3\x28 \xf0\x9f unknown", ("unknown",)),
    "long_line": ("550 5.1.1 ${word *300}", ("550 5.1.1 word",)),
    "twenty_lines": (r"${550-5.1.1 this is a line of text that explains\r\n*20}550 5.1.1 the end", ("550",)),
    "bare_lf": (r"550-5.1.1 one\n550 5.1.1 two", ("two",)),
}


class ReplyTest(DeliveryCase):
    @each({f"{stage}_{name}": (stage, action) for stage in STAGES for name, action in NONSENSE.items()})
    def test_nonsense_is_relay_trouble(self, stage: str, action: str) -> None:
        helo = "on helo: close\n" if stage == "ehlo" else ""
        first, second = self.relay(f"{helo}on {stage}: {action}"), self.relay()
        self.lawless_relays.add(first)    # with a peer that talks nonsense, good manners have no meaning
        result = self.deliver(first, second, **limits_for(action))
        self.assert_sent(result, by=second)
        self.assertEqual(first.dots, 0)

    @each({name: (action,) for name, action in NONSENSE.items()})
    def test_nonsense_after_the_dot_is_unconfirmed(self, action: str) -> None:
        first, second = self.relay(f"on dot: {action}"), self.relay()
        self.lawless_relays.add(first)
        result = self.deliver(first, second, **limits_for(action))
        self.assert_deferred(result, dots=1)
        self.assert_untouched(second)

    @each({f"{stage}": (stage,) for stage in ("greeting", "ehlo", "mail", "dot")})
    def test_a_flood_is_cut_off_early(self, stage: str) -> None:
        relay = self.relay(f"on {stage}: flood 250-more and more")
        self.lawless_relays.add(relay)
        self.assertEqual(self.deliver(relay).status, 75)
        # What the kernel buffers hold counts as sent, so the bound is generous; a minute of flood is gigabytes.
        self.assertLess(relay.connections[0]["octets_sent"], 64_000_000)

    @each(ODD_REFUSALS)
    def test_odd_refusals_are_understood(self, reply: str, words: tuple[str, ...]) -> None:
        first = self.relay(f"on rcpt: reply {reply}")
        self.lawless_relays.add(first)
        self.assert_bounced(self.deliver(first), r"5\.\d+\.\d+", words=words)

    @each(ODD_REFUSALS)
    def test_odd_refusals_are_safe_in_the_log(self, reply: str, _words: tuple[str, ...]) -> None:
        relay = self.relay(f"on rcpt: reply {reply}")
        self.lawless_relays.add(relay)
        self.deliver(relay)
        lines = self.syslog.stop()
        self.assertTrue(lines)
        for line in lines:
            self.assertTrue(line.isprintable(), repr(line))

    @each({name: (reply.replace("550", "250").replace("5.1.1", "2.0.0"),)
           for name, (reply, _) in ODD_REFUSALS.items()})
    def test_odd_acceptances_are_understood(self, reply: str) -> None:
        relay = self.relay(f"on dot: reply {reply}")
        self.lawless_relays.add(relay)
        result = self.deliver(relay)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(relay.dots, 1)

    def test_the_last_line_decides_a_greeting_of_two_codes(self) -> None:
        """As postscreen greets whom it does not want."""
        first, second = self.relay(r"on greeting: send 220-relay ESMTP\r\n521 5.7.1 blocked\r\n ; close"), self.relay()
        self.lawless_relays.add(first)
        result = self.deliver(first, second)
        self.assert_sent(result, by=second)
        self.assertIn("220-relay ESMTP 521 5.7.1 blocked", result.text)

    @each({"two_codes": (r"send 250-2.0.0 first\r\n251 2.0.0 queued\r\n",), "252": ("reply 252 queued",),
           "200": ("reply 200 queued",)})
    def test_all_2yz_after_the_dot_is_acceptance(self, action: str) -> None:
        relay = self.relay(f"on dot: {action}")
        self.lawless_relays.add(relay)
        result = self.deliver(relay)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(relay.dots, 1)

    def test_a_refusal_after_all_lines_of_acceptance(self) -> None:
        first, second = self.relay(r"on dot: send 250-2.0.0 first\r\n554 5.7.1 but no\r\n"), self.relay()
        self.lawless_relays.add(first)
        self.assertEqual(self.deliver(first, second).status, 0)
        self.assertEqual(len(second.accepted), 1)

    @each({stage: (stage,) for stage in ("greeting", "mail", "dot")})
    def test_a_line_that_is_no_reply_is_quoted(self, stage: str) -> None:
        relay = self.relay(f"on {stage}: send HTTP/1.1 400 Bad Request\\r\\n ; close")
        self.lawless_relays.add(relay)
        self.assert_deferred(self.deliver(relay), words=('"HTTP/1.1 400 Bad Request"',), dots=1 if stage == "dot" else 0)

    def test_the_reply_is_shown_in_one_line_with_its_codes(self) -> None:
        relay = self.relay(r"on rcpt: reply 550-5.1.1 line one\r\n550 5.1.1 no such user")
        self.assert_bounced(self.deliver(relay), r"5\.1\.1", words=(
            f"host {relay.name} said: 550-5.1.1 line one 550 5.1.1 no such user (in reply to RCPT TO command)",))

    def test_a_relay_cannot_forge_the_status(self) -> None:
        """The D.S.N in front is ours; whatever the relay writes follows it in the same line."""
        relay = self.relay(r"on rcpt: reply 450-4.2.0 x\r\n450 5.1.1 2.0.0 sent\n2.0.0 ok")
        self.lawless_relays.add(relay)
        result = self.deliver(relay)
        self.assertEqual(result.status, 75, result)
        self.assertTrue(result.text.startswith("4."), result)

    def test_success_text_shows_relay_and_queue_id_in_100_characters(self) -> None:
        """Postfix logs the first 100 characters only."""
        first, second = self.relay("greeting-421"), self.relay()
        result = self.deliver(first, second)
        self.assert_sent(result, by=second)
        self.assertRegex(result.text[:100], rf"^{re.escape(second.name)}: 250 2\.0\.0 Ok: queued as 1-1; tried ")

    def test_many_relays_and_long_replies_still_fit(self) -> None:
        relays = [self.relay(f"on rcpt: reply 450 4.2.0 ${{relay {n} is busy *150}}", listen=f"127.0.0.{n + 2}")
                  for n in range(6)]
        result = self.deliver(*relays)
        self.assert_deferred(result, words=tuple(relay.host for relay in relays))
