"""How the commands go out: pipelined or in lock-step, and which extensions are used when."""

from __future__ import annotations

import re

from support.case import MESSAGE, OTHER, RECIPIENT, DeliveryCase, each
from support.relays import RefusedPort, Relay, content_of
from support.wire import sample, wire_form

EIGHT_BIT = "Subject: x\n\ngrüße\n".encode()


class TransactionTest(DeliveryCase):
    def sent(self, script: str = "", **arguments: object) -> tuple[Relay, dict]:
        relay = self.relay(script)
        return relay, self.assert_sent(self.deliver(relay, **arguments), by=relay)  # type: ignore[arg-type]

    def mail_params(self, script: str = "", **arguments: object) -> list[str]:
        return self.sent(script, **arguments)[1]["mail_params"]

    # -- the session --------------------------------------------------------------------------

    def test_the_whole_dialogue(self) -> None:
        relay, transaction = self.sent()
        connection = relay.connections[0]
        self.assertEqual(connection["ehlo"], "client.example")
        self.assertEqual(connection.verbs[:4], ["EHLO", "MAIL", "RCPT", "DATA"])
        self.assertEqual((transaction["mail_from"], transaction["recipients"]), ("sender@example.org", [RECIPIENT]))
        self.assertEqual(content_of(transaction), wire_form(MESSAGE))

    def test_quit_ends_the_session(self) -> None:
        relay, _ = self.sent()
        self.assertTrue(relay.connections[0]["quit"])

    def test_hostname_defaults_to_the_machines_own(self) -> None:
        relay = self.relay()
        del self.settings["hostname"]
        self.assert_sent(self.deliver(relay), by=relay)
        self.assertRegex(relay.connections[0]["ehlo"], r"^[A-Za-z0-9.-]+$")

    @each({"502": ("502 5.5.1 not implemented",), "500": ("500 what?",), "504": ("504 no",), "550": ("550 go away",)})
    def test_helo_where_ehlo_is_refused(self, reply: str) -> None:
        relay, transaction = self.sent(f"on ehlo: reply {reply}")
        connection = relay.connections[0]
        self.assertEqual(connection.verbs[:3], ["EHLO", "HELO", "MAIL"])
        self.assertEqual(transaction["mail_params"], [])
        self.assert_lock_step(relay)

    def test_a_relay_of_the_plainest_kind(self) -> None:
        relay, transaction = self.sent("plain", message=EIGHT_BIT)
        self.assertEqual(transaction["mail_params"], [])
        self.assertEqual(content_of(transaction), wire_form(EIGHT_BIT))
        self.assert_lock_step(relay)

    def test_connecting_starts_while_stdin_is_still_open(self) -> None:
        relay = self.relay()
        delivery = self.start(relay)
        delivery.feed(MESSAGE[:20])
        relay.wait_for("ehlo")
        delivery.feed(MESSAGE[20:])
        self.assertEqual(content_of(self.assert_sent(self.finish(delivery), by=relay)), wire_form(MESSAGE))

    @each({"octet_by_octet": ("drip 1ms",), "batched": ("batch on",)})
    def test_replies_in_any_segmentation(self, script: str) -> None:
        self.sent(script)

    # -- pipelining ---------------------------------------------------------------------------

    def assert_lock_step(self, relay: Relay) -> None:
        """Never two commands in one segment; the relay itself records input that came too early."""
        reads = relay.connections[0].reads_of("MAIL", "RCPT", "DATA")
        self.assertEqual(len(set(reads)), len(reads), relay.connections[0]["commands"])

    def test_pipelined_commands_arrive_in_one_segment(self) -> None:
        relay, _ = self.sent()
        self.assertEqual(len(set(relay.connections[0].reads_of("MAIL", "RCPT", "DATA"))), 1)

    def test_lock_step_without_pipelining(self) -> None:
        slow = "\n".join(f"on {stage}: delay 100ms ; default" for stage in ("ehlo", "mail", "rcpt", "data", "dot"))
        relay, _ = self.sent(f"offer -PIPELINING\n{slow}")
        self.assert_lock_step(relay)

    def test_the_content_waits_for_354(self) -> None:
        self.sent("on data: delay 200ms ; default")

    def test_nothing_is_said_before_the_greeting(self) -> None:
        self.sent("on greeting: delay 200ms ; default")

    # -- SIZE ---------------------------------------------------------------------------------

    def test_size_is_declared_and_true(self) -> None:
        message = sample(5000)
        params = self.mail_params(message=message)
        sizes = [int(p[5:]) for p in params if p.startswith("SIZE=")]
        self.assertEqual(len(sizes), 1, params)
        # RFC 1870: octets with CRLF, neither the final dot nor stuffed dots.
        self.assertEqual(sizes[0], len(wire_form(message)))

    def test_size_is_not_declared_when_not_offered(self) -> None:
        self.assertFalse([p for p in self.mail_params("offer -SIZE") if p.startswith("SIZE")])

    @each({"zero": ("SIZE=0",), "no_value": ("SIZE",), "large": ("SIZE=99999999999999",), "exact": ("SIZE=5200",),
           "nonsense": ("SIZE=lots",), "beyond_64_bit": ("SIZE=99999999999999999999999",)})
    def test_a_size_limit_that_is_no_limit_here(self, offer: str) -> None:
        message = sample(5000)
        self.assertLessEqual(len(wire_form(message)), 5200)
        self.sent(f"offer +{offer}", message=message)

    def test_a_relay_whose_size_limit_is_too_small_is_passed_over(self) -> None:
        small, second = self.relay("offer +SIZE=1000"), self.relay()
        self.assert_sent(self.deliver(small, second, message=sample(5000)), by=second)
        self.assert_untouched(small)

    def test_too_large_for_every_relay_is_hard(self) -> None:
        relays = [self.relay("offer +SIZE=1000"), self.relay("offer +SIZE=2000")]
        result = self.deliver(*relays, message=sample(5000))
        self.assert_bounced(result, r"5\.3\.4")
        for relay in relays:
            self.assert_untouched(relay)

    def test_too_large_for_one_and_the_other_down_is_soft(self) -> None:
        small, refused = self.relay("offer +SIZE=1000"), self.dead(RefusedPort)
        for hops in ((small, refused), (refused, small)):
            with self.subTest(str(hops)):
                self.assert_deferred(self.deliver(*hops, message=sample(5000)))

    # -- 8BITMIME and SMTPUTF8 ----------------------------------------------------------------

    def test_body_8bitmime_only_for_8_bit_content(self) -> None:
        self.assertIn("BODY=8BITMIME", self.mail_params(message=EIGHT_BIT))

    def test_no_body_parameter_for_7_bit_content(self) -> None:
        self.assertNotIn("BODY=8BITMIME", self.mail_params())

    def test_8_bit_content_passes_unchanged_where_8bitmime_is_not_offered(self) -> None:
        _, transaction = self.sent("offer -8BITMIME -SMTPUTF8", message=EIGHT_BIT)
        self.assertFalse([p for p in transaction["mail_params"] if p.startswith("BODY")])
        self.assertEqual(content_of(transaction), wire_form(EIGHT_BIT))

    def test_8_bit_octet_far_behind_the_memory_limit_is_seen(self) -> None:
        self.assertIn("BODY=8BITMIME", self.mail_params(message=sample(1_500_000) + "ü\n".encode()))

    @each({"latin_1": (b"Subject: Gr\xf6\xdfe\n\nbody\n",), "utf_8": ("Subject: Größe\n\nbody\n".encode(),),
           "from": ("From: Jürgen <a@example.org>\n\nbody\n".encode(),), "with_body": (EIGHT_BIT,)})
    def test_8_bit_octets_in_the_header_ask_for_nothing(self, message: bytes) -> None:
        """Whoever asks for more than the submitter did gets the message back from a host that does not offer it."""
        _, transaction = self.sent(message=message)
        self.assertNotIn("SMTPUTF8", transaction["mail_params"])
        self.assertEqual("BODY=8BITMIME" in transaction["mail_params"], message == EIGHT_BIT)
        self.assertEqual(content_of(transaction), wire_form(message))
        plain = self.relay("offer -SMTPUTF8 -8BITMIME")
        self.assertEqual(self.deliver(plain, message=message).status, 0)
        self.assertEqual(content_of(plain.accepted[0]), wire_form(message))

    def test_smtputf8_is_not_used_without_need(self) -> None:
        self.assertNotIn("SMTPUTF8", self.mail_params())
        self.assertTrue(all(re.match(r"(SIZE|BODY)=", p) for p in self.relays[0].transactions[0]["mail_params"]))

    @each({"sender": ("grüße@example.org", RECIPIENT), "recipient": ("a@example.org", "grüße@example.net"),
           "domain": ("a@example.org", "a@bücher.example")})
    def test_smtputf8_for_non_ascii_addresses(self, sender: str, recipient: str) -> None:
        _, transaction = self.sent(sender=sender, to=(recipient,))
        self.assertIn("SMTPUTF8", transaction["mail_params"])
        self.assertEqual((transaction["mail_from"], transaction["recipients"]), (sender, [recipient]))

    def test_a_relay_without_smtputf8_is_passed_over_by_such_a_message(self) -> None:
        plain, second = self.relay("offer -SMTPUTF8"), self.relay()
        self.assert_sent(self.deliver(plain, second, to=("grüße@example.net",)), by=second)
        self.assert_untouched(plain)

    def test_no_relay_with_smtputf8_never_puts_the_address_on_the_wire(self) -> None:
        plain = self.relay("offer -SMTPUTF8")
        result = self.deliver(plain, to=("grüße@example.net",))
        self.assertNotEqual(result.status, 0)
        self.assertRegex(result.text, r"^[45]\.6\.7 ", result)
        self.assert_untouched(plain)

    def test_extension_names_in_lower_case(self) -> None:
        relay, transaction = self.sent(r"on ehlo: reply 250-relay.test\r\n250-pipelining\r\n250-size 0\r\n250 8bitmime",
                                       message=EIGHT_BIT)
        self.assertIn("BODY=8BITMIME", transaction["mail_params"])
        self.assertEqual(len(set(relay.connections[0].reads_of("MAIL", "RCPT", "DATA"))), 1)

    def test_two_recipients_in_one_transaction(self) -> None:
        _, transaction = self.sent(to=(RECIPIENT, OTHER))
        self.assertEqual(transaction["recipients"], [RECIPIENT, OTHER])
