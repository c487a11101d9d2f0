"""Envelope addresses: what pipe(8) passes goes out as a valid path, or not at all."""

from __future__ import annotations

from support.case import RECIPIENT, SENDER, DeliveryCase, each

# As pipe(8) passes it (without, with the q flag) → as it must stand between the angle brackets.
RECIPIENTS = {
    "plain": ("user@example.net", "user@example.net"),
    "plus": ("user+ext@example.net", "user+ext@example.net"),
    "case_is_kept": ("UsEr@Example.NET", "UsEr@Example.NET"),
    "atext": ("!#$%&'*+/=?^_`{|}~-@example.net", "!#$%&'*+/=?^_`{|}~-@example.net"),
    "literal": ("user@[192.0.2.1]", "user@[192.0.2.1]"),
    "begins_with_dash": ("-user@example.net", "-user@example.net"),
    "looks_like_an_option": ("--help@example.net", "--help@example.net"),
    "no_domain": ("postmaster", "postmaster"),
    "quoted_blank": ('"a b"@example.net', '"a b"@example.net'),
    "quoted_quote": (r'"a\"b"@example.net', r'"a\"b"@example.net'),
    "quoted_at": ('"a@b"@example.net', '"a@b"@example.net'),
    "quoted_dots": ('"a..b"@example.net', '"a..b"@example.net'),
    "quoted_empty": ('""@example.net', '""@example.net'),
    "quoted_angle": ('"a>b"@example.net', '"a>b"@example.net'),
    "unquoted_blank": ("a b@example.net", '"a b"@example.net'),
    "unquoted_quote": ('a"b@example.net', r'"a\"b"@example.net'),
    "unquoted_backslash": ("a\\b@example.net", r'"a\\b"@example.net'),
    "unquoted_at": ("a@b@example.net", '"a@b"@example.net'),
    "unquoted_dots": ("a..b@example.net", '"a..b"@example.net'),
    "unquoted_last_dot": ("a.@example.net", '"a."@example.net'),
    "unquoted_angle": ("a>b@example.net", '"a>b"@example.net'),
    "unquoted_injection": ("a> NOTIFY=NEVER@example.net", '"a> NOTIFY=NEVER"@example.net'),
    "unquoted_empty": ("@example.net", '""@example.net'),
}

IMPOSSIBLE = {
    "crlf": ("a@example.net\r\nRCPT TO:<evil@example.net>",),
    "lf": ("a\nb@example.net",),
    "cr": ("a\rb@example.net",),
    "quoted_cr": ('"a\r\nb"@example.net',),
    "final_newline": ("a@example.net\n",),
    "domain_newline": ("a@exam\nple.net",),
    "domain_blank": ("a@exam ple.net",),
    "domain_angle": ("a@example.net> SIZE=1",),
    "empty_domain": ("a@",),
}


class AddressTest(DeliveryCase):
    @each(RECIPIENTS)
    def test_recipient(self, argument: str, path: str) -> None:
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, to=(argument,)), by=relay)
        self.assertEqual(transaction["recipients"], [path])

    @each({key: row for key, row in RECIPIENTS.items() if key not in ("no_domain",)})
    def test_sender(self, argument: str, path: str) -> None:
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, sender=argument), by=relay)
        self.assertEqual(transaction["mail_from"], path)

    @each({"empty": ("",), "angles": ("<>",)})
    def test_null_sender(self, sender: str) -> None:
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, sender=sender), by=relay)
        self.assertEqual(transaction["mail_from"], "")
        self.assertEqual(relay.connections[0].lines[1].split(" ")[1], "FROM:<>")

    def test_the_default_null_sender_of_pipe_never_becomes_an_address(self) -> None:
        """Without `null_sender=` in master.cf pipe(8) says MAILER-DAEMON, and a bounce to it would bounce again."""
        relay = self.relay()
        self.deliver(relay, sender="MAILER-DAEMON")
        self.assertEqual([t["mail_from"] for t in relay.transactions if t["mail_from"]], [])

    @each(IMPOSSIBLE)
    def test_a_recipient_that_cannot_be_sent(self, address: str) -> None:
        relay = self.relay()
        self.assert_bounced(self.deliver(relay, to=(address,)), r"5\.1\.3")
        self.assert_untouched(relay)

    @each(IMPOSSIBLE)
    def test_a_sender_that_cannot_be_sent(self, address: str) -> None:
        relay = self.relay()
        self.assert_bounced(self.deliver(relay, sender=address), r"5\.1\.7")
        self.assert_untouched(relay)

    def test_an_empty_recipient_is_refused(self) -> None:
        relay = self.relay()
        self.assert_bounced(self.deliver(relay, to=("",)), r"5\.1\.3")
        self.assert_untouched(relay)

    def test_one_impossible_recipient_of_two_sends_nothing(self) -> None:
        relay = self.relay()
        result = self.deliver(relay, to=(RECIPIENT, "a\nb@example.net"))
        self.assertNotEqual(result.status, 0)
        self.assertEqual((relay.dots, relay.accepted), (0, []))

    def test_an_address_is_never_shown_with_its_control_characters(self) -> None:
        """The text and the log are one line each, whatever an address holds."""
        relay = self.relay()
        self.deliver(relay, to=("a\x1b[2J\nb@example.net",))
        self.assertTrue(all(line.isprintable() for line in self.syslog.stop()), self.syslog.lines)

    @each({"i": (("-i",),), "oi": (("-oi",),), "both": (("-oi", "-i"),)})
    def test_options_of_sendmail_are_ignored(self, options: tuple[str, ...]) -> None:
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, options=options, message=b"a\n.\nb\n"), by=relay)
        self.assertEqual(transaction["mail_from"], SENDER)

    def test_a_long_local_part_stays_whole(self) -> None:
        relay = self.relay()
        address = "u" * 200 + "@example.net"
        transaction = self.assert_sent(self.deliver(relay, to=(address,)), by=relay)
        self.assertEqual(transaction["recipients"], [address])
