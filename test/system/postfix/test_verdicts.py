"""What Postfix logs, bounces and keeps when a relay refuses, and how envelopes and odd client data arrive."""

from __future__ import annotations

import smtplib

from postfix_case import MESSAGE, PostfixCase

NO_SUCH_USER = "5.1.1 <user@example.com>: no such user here"
SEVERAL = {"relaypipe_destination_recipient_limit": "2"}


class Refusals(PostfixCase):
    def test_550_bounces_with_the_words_of_the_relay(self) -> None:
        relay = self.scripted(f"on rcpt: reply 550 {NO_SUCH_USER}")
        lab = self.postfix(relay, self.refusing())
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assert_delivery(delivery, "bounced", "5.1.1", f"host {relay.name} said: 550 {NO_SUCH_USER}")
        self.assertIn("(in reply to RCPT TO command)", delivery.text)

    def test_the_bounce_tells_the_sender(self) -> None:
        relay, sender_side = self.scripted(f"on rcpt: reply 550 {NO_SUCH_USER}"), self.sink()
        lab = self.postfix(relay, parameters={"default_transport": f"smtp:{sender_side.destination}"})
        lab.submit(MESSAGE, "user@example.com")
        lab.wait_for_log(r"to=<sender@sender\.example>.*status=sent")
        (bounce,) = sender_side.messages()
        self.assertIn("<sender@sender.example>", bounce.recipients[0])
        self.assertIn(b"\nStatus: 5.1.1\n", bounce.content)
        self.assertIn(b"no such user here", bounce.content)

    def test_554_to_the_dot_bounces(self) -> None:
        lab = self.postfix(self.scripted("on dot: reply 554 5.7.1 looks like spam"))
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assert_delivery(delivery, "bounced", "5.7.1", "(in reply to end of DATA command)")

    def test_a_refusal_of_this_machine_defers(self) -> None:
        """554 greetings from both relays: it is not the message's fault, so nothing bounces."""
        listed = "on greeting: reply 554 5.7.1 your address is listed"
        lab = self.postfix(self.scripted(listed), self.scripted(listed))
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assertEqual((delivery.status, delivery.dsn[:2]), ("deferred", "4."), delivery)

    def test_silent_relay_and_short_deadline_defer(self) -> None:
        lab = self.postfix(self.scripted("on greeting: silent"), arguments="--deadline 1s")
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assertEqual((delivery.status, delivery.dsn[:4]), ("deferred", "4.4."), delivery)

    def test_broken_configuration_defers(self) -> None:
        for nexthop in ("[127.0.0.1", "[127.0.0.1]:noservice", ":25", "[127.0.0.1]:0"):
            with self.subTest(nexthop):
                lab = self.postfix(parameters={"default_transport": f"relaypipe:{nexthop}"}, arguments="--deadline 2s")
                delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@elsewhere.example"))
                self.assertEqual((delivery.status, delivery.dsn[:2]), ("deferred", "4."), delivery)

    def test_unknown_setting_defers(self) -> None:
        lab = self.postfix(self.sink(), arguments="-o no_such_setting=1")
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assert_delivery(delivery, "deferred", "4.3.5", "no_such_setting")


class SeveralRecipients(PostfixCase):
    REFUSES_ONE = "on rcpt to bad@*: reply 550 5.1.1 no such user"

    def test_one_refused_defers_and_says_what_to_set(self) -> None:
        relay = self.scripted(self.REFUSES_ONE)
        lab = self.postfix(relay, parameters=SEVERAL)
        queue_id = lab.submit(MESSAGE, "good@example.com", "bad@example.com")
        for number in (1, 2):
            delivery = lab.wait_for_delivery(queue_id, number)
            self.assertEqual((delivery.status, delivery.dsn[:2]), ("deferred", "4."), delivery)
            self.assertIn("_destination_recipient_limit = 1", delivery.text)
        self.assertEqual(relay.dots, 0)

    def test_the_example_keeps_recipients_apart(self) -> None:
        """The same with the recipient limit of the example: one is sent, the other one bounces."""
        lab = self.postfix(self.scripted(self.REFUSES_ONE))
        queue_id = lab.submit(MESSAGE, "good@example.com", "bad@example.com")
        lab.wait_for_delivery(queue_id, 2)
        results = {each.recipient: each.status for each in lab.deliveries(queue_id)}
        self.assertEqual(results, {"good@example.com": "sent", "bad@example.com": "bounced"})

    def test_all_accepted_is_one_transaction(self) -> None:
        relay = self.sink()
        lab = self.postfix(relay, parameters=SEVERAL)
        queue_id = lab.submit(MESSAGE, "one@example.com", "two@example.com")
        for number in (1, 2):
            self.assert_delivery(lab.wait_for_delivery(queue_id, number), "sent", "2.0.0")
        (message,) = relay.messages()
        self.assertEqual(message.recipients, ("<one@example.com>", "<two@example.com>"))

    def test_all_refused_bounces(self) -> None:
        lab = self.postfix(self.scripted("on rcpt: reply 550 5.1.1 no such user"), parameters=SEVERAL)
        queue_id = lab.submit(MESSAGE, "one@example.com", "two@example.com")
        for number in (1, 2):
            self.assert_delivery(lab.wait_for_delivery(queue_id, number), "bounced", "5.1.1")


class Envelopes(PostfixCase):
    def test_null_sender(self) -> None:
        relay = self.sink()
        lab = self.postfix(relay)
        self.assert_delivery(lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com", sender="")), "sent", "2.0.0")
        self.assertEqual(relay.messages()[0].mail.split()[0], "<>")

    def test_quoted_local_parts(self) -> None:
        relay = self.sink()
        lab = self.postfix(relay)
        for address in ('"a b"@example.com', '"a@b"@example.com', '"a\\"b"@example.com', '"dot."@example.com'):
            queue_id = lab.submit(MESSAGE, address, sender='"odd sender"@sender.example')
            self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0")
            message = relay.messages()[-1]
            self.assertEqual(message.recipients, (f"<{address}>",))
            self.assertEqual(message.mail.split(" SIZE")[0], '<"odd sender"@sender.example>')

    def test_addresses_that_look_like_options(self) -> None:
        relay = self.sink()
        lab = self.postfix(relay, parameters={"allow_min_user": "yes"})
        queue_id = lab.submit_smtp(MESSAGE, "-o@example.com", sender="--config@sender.example")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0")
        self.assertEqual(relay.messages()[0].recipients, ("<-o@example.com>",))
        self.assertEqual(relay.messages()[0].mail.split()[0], "<--config@sender.example>")

    def test_client_data_that_look_like_options(self) -> None:
        """The client chooses its HELO name freely."""
        relay = self.sink()
        lab = self.postfix(relay)
        for helo in ("--config", "-f", "--", "-v", "x=y", "--nexthop=[192.0.2.1]"):
            with self.subTest(helo):
                queue_id = lab.submit_smtp(MESSAGE, "user@example.com", helo=helo)
                self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0")

    def test_utf8_address_needs_a_relay_that_offers_it(self) -> None:
        first, second = self.scripted("offer -SMTPUTF8"), self.scripted()
        lab = self.postfix(first, second)
        seen = len(lab.log())
        with smtplib.SMTP("127.0.0.1", lab.port) as client:
            client.sendmail("sender@sender.example", "grüße@example.com", MESSAGE, ["SMTPUTF8", "BODY=8BITMIME"])
        self.assert_delivery(lab.wait_for_delivery(lab.queue_id_since(seen)), "sent", "2.0.0", second.name)
        (transaction,) = second.accepted
        self.assertIn("SMTPUTF8", transaction["mail_params"])
        self.assertEqual(first.dots, 0)

    def test_8_bit_header_goes_through_postfix_to_a_host_without_smtputf8(self) -> None:
        """Postfix, relaypipe, Postfix, and a host that has neither extension: as from smtp(8), nothing comes back."""
        host = self.scripted("offer -SMTPUTF8 -8BITMIME")
        second = self.postfix(transport=f"example.com smtp:{host.destination}\n")
        first = self.postfix(transport=f"example.com relaypipe:[127.0.0.1]:{second.port}\n")
        for subject in (b"Gr\xf6\xdfe", "Größe".encode()):
            with self.subTest(subject):
                seen = len(second.log())
                message = MESSAGE.replace(b"a test", subject)
                queue_id = first.submit_smtp(message, "user@example.com")
                self.assert_delivery(first.wait_for_delivery(queue_id), "sent", "2.0.0")
                self.assert_delivery(second.wait_for_delivery(second.queue_id_since(seen)), "sent", "2.0.0")
        self.assertEqual(len(host.accepted), 2)

    def test_a_recipient_the_relay_must_not_see_is_never_on_the_wire(self) -> None:
        """Postfix passes on what local mail holds; a local part with a line end is no address at all."""
        relay = self.scripted()
        lab = self.postfix(relay)
        queue_id = lab.submit(MESSAGE, '"a\rb"@example.com')
        delivery = lab.wait_for_delivery(queue_id)
        sent = [line for connection in relay.connections for line in connection.lines]
        self.assertFalse([line for line in sent if "\r" in line], delivery)
        self.assertEqual(relay.violations, [])
