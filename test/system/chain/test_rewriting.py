"""Relays that get other senders than those of the message: every octet, by both front ends, and what is said about it."""

from __future__ import annotations

import json

from support import networks
from support.case import MESSAGE, RECIPIENT, SENDER, each
from support.chain_case import ChainCase
from support.lmtp_program import LmtpProgram
from support.postfix import PostfixLab
from support.relays import Relay, binary_path, content_of

FROM = b"From: \"S, the (sender)\" <sender@example.org>\nTo: rcpt@example.net\nSubject: test\n\n.Hello.\n"
AS_IT_IS = b"From: \"S, the (sender)\" <sender@example.org>\r\nTo: rcpt@example.net\r\nSubject: test\r\n\r\n..Hello.\r\n"
OTHER = (b"From: \"S, the (sender)\" <alerts@b.example>\r\nReply-To: \"S, the (sender)\" <sender@example.org>\r\n"
         b"To: rcpt@example.net\r\nSubject: test\r\n\r\n..Hello.\r\n")
CONSTANT = 'envelope_sender = "bounces@b.example"\nheader_from = "alerts@b.example"'
CHAIN = "[relay.one]\n%s\n[chain.outbound]\ntiers = [[\"one\"], [\"two\"]]\n"


def size_of(wire: bytes) -> int:
    """As RFC 1870 counts it."""
    return len(wire) - wire.count(b"\r\n..")


def assert_got(test: ChainCase, relay: Relay, sender: str, wire: bytes) -> None:
    transaction, = relay.accepted
    test.assertEqual(transaction["mail_from"], sender)
    test.assertEqual(content_of(transaction), wire)


class Octets(ChainCase):
    @each({
        "constant": (CONSTANT, "bounces@b.example", OTHER),
        "envelope_alone": ('envelope_sender = "@b.example"', "sender@b.example", AS_IT_IS),
        "header_alone": ('header_from = { "@other.example" = "x@y.example", "SENDER@example.org" = "alerts@b.example" }',
                         SENDER, OTHER),
        "no_rule_fits": ('envelope_sender = { "@other.example" = "@b.example" }', SENDER, AS_IT_IS),
    })
    def test_what_a_relay_gets(self, lines: str, sender: str, wire: bytes) -> None:
        one = self.relay()
        self.configure(CHAIN % lines, one=one, two=self.relay())
        self.assert_sent(self.deliver("outbound", message=FROM), by=one)
        assert_got(self, one, sender, wire)
        self.assertIn(f"MAIL FROM:<{sender}> SIZE={size_of(wire)}", one.connections[0].lines)

    def test_bounces_go_as_they_are(self) -> None:
        one = self.relay()
        self.configure(CHAIN % CONSTANT, one=one, two=self.relay())
        self.assert_sent(self.deliver("outbound", message=FROM, sender=""), by=one)
        assert_got(self, one, "", AS_IT_IS)

    def test_a_large_message_from_a_file(self) -> None:
        """The spool is a file, and memory stays flat."""
        body = b"".join(b"%06d %s\n" % (i, b"x" * 90) for i in range(50_000))
        one = self.relay()
        self.configure(CHAIN % CONSTANT, one=one, two=self.relay())
        result = self.deliver("outbound", message=FROM + body, spool_memory="64k")
        self.assert_sent(result, by=one)
        assert_got(self, one, "bounces@b.example", OTHER + body.replace(b"\n", b"\r\n"))

    def test_the_second_relay_gets_the_message_as_it_is(self) -> None:
        one, two = self.relay("on dot: reply 451 4.3.0 not now"), self.relay()
        self.configure(CHAIN % CONSTANT, one=one, two=two)
        self.assert_sent(self.deliver("outbound", message=FROM), by=two)
        self.assertEqual(content_of(one.transactions[0]), OTHER)
        assert_got(self, two, SENDER, AS_IT_IS)
        failed, sent = self.logged("attempt=")
        self.assertIn("envelope_sender=<bounces@b.example>, header_from=<alerts@b.example>, dsn=4.3.0", failed)
        self.assertNotIn("envelope_sender=", sent)

    def test_an_unconfirmed_message_is_known_again(self) -> None:
        """What is remembered is the message, not what a relay got of it."""
        one, two = self.relay("on dot: close"), self.relay()
        self.configure(CHAIN % CONSTANT, one=one, two=two)
        options = ("--queue-id", "4Xyz12345z")
        self.assert_deferred(self.deliver("outbound", message=FROM, options=options), dots=1)
        result = self.deliver("outbound", message=FROM, options=options, on_unconfirmed="same-relay")
        self.assertEqual(result.status, 75, result)
        self.assert_untouched(two)

    def test_all_else_is_decided_by_the_sender_of_the_message(self) -> None:
        one, two = self.relay(), self.relay()
        self.configure(CHAIN % f'senders = ["{SENDER}"]\n{CONSTANT}', one=one, two=two)
        self.assert_sent(self.deliver("outbound", message=FROM), by=one)

    def test_a_refused_sender_of_ours_returns_no_message(self) -> None:
        one = self.relay("on mail: reply 550 5.1.0 this sender is unknown")
        self.configure('[relay.one]\n%s\n[chain.outbound]\ntiers = [["one"]]\n' % CONSTANT, one=one)
        self.assert_deferred(self.deliver("outbound", message=FROM), r"4\.7\.0")
        line, = self.logged("attempt=failed")
        self.assertIn("cause=sender-not-allowed", line)


class Lmtp(ChainCase):
    def test_by_lmtp(self) -> None:
        one, two = self.relay(), self.relay()
        self.configure(CHAIN % CONSTANT, one=one, two=two)
        pairs = [word for name, value in self.settings.items() for word in ("-o", f"{name}={value}")]
        program = LmtpProgram([str(binary_path()), "lmtp", "--config", str(self.config), *pairs,
                               "--nexthop", "outbound"], self.queue)
        self.addCleanup(program.stop)
        program.hello()
        for queue_id, sender in (("4Q1", SENDER), ("4Q2", "")):
            reply, = program.message(RECIPIENT, content=FROM, queue_id=queue_id, sender=sender)
            self.assertTrue(reply.startswith(f"250 2.0.0 {one.name}: 250 "), reply)
        self.assertEqual(program.end(), 0)
        first, bounce = one.accepted
        self.assertEqual((first["mail_from"], content_of(first)), ("bounces@b.example", OTHER))
        self.assertEqual((bounce["mail_from"], content_of(bounce)), ("", AS_IT_IS))
        self.assertEqual(len([each for each in one.connections if each["transactions"]]), 1, "the session is kept")


class Words(ChainCase):
    def setUp(self) -> None:
        super().setUp()
        self.configure(CHAIN % 'envelope_sender = "bounces@b.example"\nheader_from = { "@example.org" = "@b.example" }',
                       one=self.relay(), two=self.relay())

    def test_plan(self) -> None:
        lines = [line.strip() for line in self.plan().lines]
        at = lines.index("sender becomes <bounces@b.example>")
        self.assertTrue(lines[at - 1].startswith("1  one"), lines)
        self.assertEqual(lines[at + 1], f"From of <{SENDER}> becomes <sender@b.example>")
        self.assertEqual(len(lines), 5, "the second relay gets the message as it is")
        self.assertNotIn("becomes", self.plan(sender="").text)

    def test_plan_json(self) -> None:
        one, two = self.plan("--json").json["legs"]
        self.assertEqual((one["envelope_sender"], one["header_from"]), ("bounces@b.example", "sender@b.example"))
        self.assertEqual((two["envelope_sender"], two["header_from"]), (None, None))

    def test_check(self) -> None:
        self.configure(CHAIN % 'senders = ["<>"]\nenvelope_sender = "a@b.example"\nheader_from = "a"',
                       one=self.relay(), two=self.relay())
        told = self.check()
        self.assertEqual(told.status, 2, told)
        self.assertIn(f'{self.config}:5:15: error: [relay.one] header_from: "a" has no domain', told.text)
        self.configure(CHAIN % 'senders = ["<>"]\nenvelope_sender = "a@b.example"', one=self.relay(), two=self.relay())
        told = self.check("--json")
        texts = [problem["text"] for problem in json.loads(told.text)["problems"]]
        self.assertEqual(texts, ["[relay.one] envelope_sender: the senders of this relay are <> alone, and bounces are never "
                                 "rewritten"])


class Postfix(ChainCase):
    """A real Postfix, whose first relay gets other senders and is busy with the first message."""

    def setUp(self) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for a Postfix of its own")
        super().setUp()

    def test_through_postfix(self) -> None:
        one, two = self.relay("on rcpt connection 1: reply 451 4.3.0 not now"), self.relay()
        rules = 'envelope_sender = "@b.example"\nheader_from = { "@example.org" = "@b.example" }'
        self.configure('patience = "20s"\n' + CHAIN % rules, one=one, two=two)
        lab = self.enterContext(PostfixLab(binary_path(), "example.com relaypipe:outbound\n",
                                           arguments=f"--config {self.config}"))
        for sender in (SENDER, SENDER, ""):
            delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com", sender=sender))
            self.assertEqual((delivery.status, delivery.dsn), ("sent", "2.0.0"), delivery)
        original, = two.accepted
        rewritten, bounce = one.accepted
        senders = [transaction["mail_from"] for transaction in (original, rewritten, bounce)]
        self.assertEqual(senders, [SENDER, "sender@b.example", ""])
        own, other = b"\r\nFrom: sender@example.org\r\n", b"\r\nFrom: sender@b.example\r\nReply-To: sender@example.org\r\n"
        self.assertIn(own, content_of(original))
        self.assertIn(other, content_of(rewritten))
        self.assertIn(own, content_of(bounce))
        # All that Postfix wrote is as it was.
        self.assertEqual(len(content_of(rewritten)) - len(other), len(content_of(bounce)) - len(own))
