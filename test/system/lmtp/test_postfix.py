"""A real Postfix with both front ends on the same relays: what it logs of each recipient, DSN, probes, kept sessions."""

from __future__ import annotations

import smtplib

from lab_case import MESSAGE, LabCase
from support import held_queue
from support.case import each
from support.machine import PATIENCE, wait_until
from support.postfix import PostfixLab
from support.relays import Relay, content_of

RULES = "on rcpt to bad@*: reply 550 5.1.1 no such user\non rcpt to later@*: reply 450 4.2.1 mailbox busy\n"
STATUS = {"good": ("sent", "2.0.0"), "bad": ("bounced", "5.1.1"), "later": ("deferred", "4.2.1")}


def at(domain: str, *names: str) -> list[str]:
    return [f"{name}@{domain}" for name in names]


class ResultsTest(LabCase):
    def test_mixed_in_one_message(self) -> None:
        """By LMTP one transaction, by pipe one for each; what Postfix knows is the same."""
        relay = self.relay(RULES)
        lab = self.lab(relay)
        queue_id = lab.submit(MESSAGE, *at("example.com", *STATUS), *at("pipe.example", *STATUS))
        results = self.results(lab, queue_id, 6)
        for daemon, domain in (("lmtp", "example.com"), ("pipe", "pipe.example")):
            for name, (status, dsn) in STATUS.items():
                self.assert_result(results[f"{name}@{domain}"], daemon, status, dsn)
        self.assertIn(f"host {relay.name} said: 550 5.1.1 no such user", results["bad@example.com"].text)
        self.assertIn("mailbox busy", results["later@example.com"].text)
        lab.wait_for_queue(queue_id, "deferred")
        self.assertEqual(sorted(self.given(relay)), ["good@example.com", "good@pipe.example"])
        asked = [t["recipients"] + t["refused"] for t in relay.transactions]
        self.assertIn(at("example.com", *STATUS), asked)
        self.assertEqual(len(asked), 4, asked)

    def test_the_queue_id_is_in_the_log_of_relaypipe(self) -> None:
        """Of mail that came by SMTP from XFORWARD, of other mail from its Received header."""
        relay = self.relay()
        lab = self.lab(relay)
        for submit in (lab.submit, lab.submit_smtp):
            queue_id = submit(MESSAGE, "user@example.com")
            lab.wait_for_removal(queue_id)
            lab.wait_for_log(rf"relaypipe\[\d+\]: {queue_id}: to=<user@example\.com>.*verdict=sent")

    def test_one_relay_takes_some_the_next_the_rest(self) -> None:
        first, second = self.relay(RULES), self.relay()
        lab = self.lab(first, second)
        queue_id = lab.submit(MESSAGE, *at("example.com", "good", "later", "bad"))
        results = self.results(lab, queue_id, 3)
        self.assert_result(results["good@example.com"], "lmtp", "sent", "2.0.0", first.name)
        self.assert_result(results["later@example.com"], "lmtp", "sent", "2.0.0", second.name)
        self.assert_result(results["bad@example.com"], "lmtp", "bounced", "5.1.1")
        lab.wait_for_removal(queue_id)
        self.assertEqual((self.given(first), self.given(second)), (["good@example.com"], ["later@example.com"]))

    def test_only_who_was_deferred_is_tried_again(self) -> None:
        relay = self.relay("on rcpt to later@* connection 1: reply 450 4.2.1 mailbox busy\non rset: close")
        lab = self.lab(relay)
        queue_id = lab.submit(MESSAGE, *at("example.com", "good", "later"))
        self.results(lab, queue_id, 2)
        self.flush_until_gone(lab, queue_id)
        self.assertEqual(sorted(self.given(relay)), at("example.com", "good", "later"))

    def test_without_pipelining(self) -> None:
        """Each recipient is asked for before the message is sent, and the message goes to those who were accepted."""
        relay = self.relay(RULES)
        lab = self.lab(relay, lmtp_discard_lhlo_keywords="pipelining")
        queue_id = lab.submit(MESSAGE, *at("example.com", *STATUS))
        results = self.results(lab, queue_id, 3)
        for name, (status, dsn) in STATUS.items():
            self.assert_result(results[f"{name}@example.com"], "lmtp", status, dsn)
        lab.wait_for_queue(queue_id, "deferred")
        self.assertEqual(self.given(relay), at("example.com", "good"))

    def test_the_bounce_names_only_who_was_refused(self) -> None:
        relay, sender_side = self.relay(RULES), self.relay()
        lab = self.lab(relay, default_transport=f"smtp:{sender_side.destination}")
        lab.submit(MESSAGE, *at("example.com", "good", "bad"))
        lab.wait_for_log(r"to=<sender@sender\.example>.*status=sent")
        self.assertEqual(self.given(sender_side), ["sender@sender.example"])
        self.assertEqual(self.given(relay), ["good@example.com"])

    def test_fifty_recipients_are_one_transaction(self) -> None:
        relay = self.relay()
        lab = self.lab(relay)
        to = at("example.com", *(f"user{n:02}" for n in range(50)))
        queue_id = lab.submit(MESSAGE, *to)
        for result in self.results(lab, queue_id, 50).values():
            self.assert_result(result, "lmtp", "sent", "2.0.0", relay.name)
        lab.wait_for_removal(queue_id)
        (transaction,) = relay.transactions
        self.assertEqual(sorted(transaction["recipients"]), to)

    @each({"null_sender": ("", "user@example.com"), "quoted": ("sender@sender.example", '"a b"@example.com')})
    def test_envelopes(self, sender: str, recipient: str) -> None:
        relay = self.relay()
        lab = self.lab(relay)
        queue_id = lab.submit(MESSAGE, recipient, sender=sender)
        lab.wait_for_removal(queue_id)
        (transaction,) = relay.accepted
        self.assertEqual((transaction["mail_from"], transaction["recipients"]), (sender, [recipient]))

    def test_large_and_odd_content(self) -> None:
        relay = self.relay()
        lab = self.lab(relay)
        content = MESSAGE + b".\n..\n" + "Grüße\n".encode() * 10 + b"x" * 5000 + b"\n" + b"0123456789abcdef\n" * 200_000
        lab.wait_for_removal(lab.submit(content, "user@example.com"))
        self.assertEqual(len(relay.accepted), 1)

    def test_broken_configuration_defers_and_goes_on(self) -> None:
        relay = self.relay()
        config = self.directory / "relaypipe.toml"

        def write(text: str) -> None:
            config.write_text(text)
            config.chmod(0o644)

        write("[chain.outbound\n")
        lab = self.lab(nexthop="outbound", options=("--config", str(config)))
        result = lab.wait_for_delivery(first := lab.submit(MESSAGE, "user@example.com"))
        self.assert_result(result, "lmtp", "deferred", "4.3.5")
        write(f'[relay.one]\ndestination = "{relay.destination}"\n[chain.outbound]\ntiers = [["one"]]\n')
        lab.wait_for_removal(lab.submit(MESSAGE, "user@example.com"))
        self.flush_until_gone(lab, first)
        self.assertEqual(len(relay.accepted), 2)


class DsnTest(LabCase):
    """Postfix decides by the reply to LHLO who reports: the relay where it is known to offer DSN, or Postfix itself."""

    OPTIONS = ("-N", "success,failure", "-V", "an-envelope-id", "-R", "hdrs")
    # Each message has a connection, and a LHLO, of its own.
    NO_CACHE = {"lmtp_connection_cache_destinations": "", "lmtp_connection_cache_on_demand": "no"}

    def start(self, relay: Relay, sender_side: Relay) -> PostfixLab:
        """The relay has had a message, and is known."""
        lab = self.lab(relay, default_transport=f"smtp:{sender_side.destination}", **self.NO_CACHE)
        lab.wait_for_removal(lab.submit(MESSAGE, "first@example.com"))
        return lab

    def submit(self, lab: PostfixLab, recipient: str) -> None:
        lab._run("sendmail", "-i", "-f", "sender@sender.example", *self.OPTIONS, "--", recipient, content=MESSAGE)

    def test_handed_on(self) -> None:
        relay, sender_side = self.relay("offer +DSN"), self.relay()
        lab = self.start(relay, sender_side)
        self.submit(lab, "user@example.com")
        lab.wait_for_log("to=<user@example.com>.*status=sent")
        wait_until(lambda: "Mail queue is empty" in lab.command("postqueue", "-p"), "an empty queue")
        mail, rcpt = [line for line in relay.connections[-1].lines if line.startswith(("MAIL", "RCPT"))]
        self.assertIn(" RET=HDRS ENVID=an-envelope-id", mail)
        self.assertIn(" NOTIFY=SUCCESS,FAILURE", rcpt)
        self.assertIn(" ORCPT=rfc822;user@example.com", rcpt)
        self.assertEqual(sender_side.transactions, [], "Postfix reported as well")

    def test_relayed_to_one_that_does_not_offer_it(self) -> None:
        relay, sender_side = self.relay(), self.relay()
        lab = self.start(relay, sender_side)
        self.submit(lab, "user@example.com")
        lab.wait_for_log(r"to=<sender@sender\.example>.*status=sent")
        (report,) = sender_side.accepted
        self.assertIn(b"\r\nAction: relayed\r\n", content_of(report))
        self.assertIn(b"\r\nOriginal-Envelope-Id: an-envelope-id\r\n", content_of(report))

    def test_a_refusal_is_reported_by_postfix(self) -> None:
        relay, sender_side = self.relay(f"offer +DSN\n{RULES}"), self.relay()
        lab = self.start(relay, sender_side)
        self.submit(lab, "bad@example.com")
        lab.wait_for_log(r"to=<sender@sender\.example>.*status=sent")
        (report,) = sender_side.accepted
        self.assertIn(b"\r\nAction: failed\r\n", content_of(report))


class ProbeTest(LabCase):
    def test_sendmail_bv(self) -> None:
        relay = self.relay(RULES)
        lab = self.lab(relay)
        lab._run("sendmail", "-bv", "-f", "sender@sender.example", *at("example.com", *STATUS))
        for name, status in (("good", "deliverable"), ("bad", "undeliverable"), ("later", "undeliverable")):
            lab.wait_for_log(rf"postfix/lmtp.*to=<{name}@example\.com>.*status={status} ")
        self.assertEqual(relay.dots, 0)

    def test_reject_unverified_recipient(self) -> None:
        relay = self.relay(RULES)
        lab = self.lab(relay, smtpd_recipient_restrictions="reject_unverified_recipient, permit_mynetworks, reject",
                       unverified_recipient_reject_code="550", address_verify_poll_count="60",
                       address_verify_poll_delay="1s")
        found = {}
        with smtplib.SMTP("127.0.0.1", lab.port, timeout=PATIENCE) as client:
            client.ehlo("client.example")
            for name in STATUS:
                client.mail("sender@sender.example")
                found[name] = client.rcpt(f"{name}@example.com")[0]
                client.rset()
        self.assertEqual(found, {"good": 250, "bad": 550, "later": 450})
        self.assertEqual(relay.dots, 0)

    def test_no_relay_is_up(self) -> None:
        relay = self.relay("on greeting: reply 421 4.3.2 closing ; close")
        lab = self.lab(relay)
        lab._run("sendmail", "-bv", "-f", "sender@sender.example", "user@example.com")
        lab.wait_for_log(r"postfix/lmtp.*to=<user@example\.com>.* dsn=4\..*status=undeliverable ")


class KeptTest(LabCase):
    def test_one_process_and_one_session_for_many(self) -> None:
        """lmtp(8) keeps its connection for the next message, and relaypipe its session."""
        relay = self.relay()
        lab = self.lab(relay, options=("-o", "session_idle=1h", "-o", "session_age=1h"),
                       lmtp_connection_cache_time_limit="1h", connection_cache_ttl_limit="1h")
        for _ in range(8):
            lab.wait_for_removal(lab.submit(MESSAGE, "user@example.com"))
        wait_until(lambda: len(lab.pids_in_log()) > 0, "the verdicts in the log")
        self.assertEqual(len(lab.pids_in_log()), 1, lab.pids_in_log())
        self.assertEqual((len(relay.connections), len(relay.accepted)), (1, 8))

    def test_twenty_at_once(self) -> None:
        """A full queue: few processes, few sessions, each message once."""
        relay, messages = self.relay(), 200
        lab = self.lab(relay, **{**held_queue.PARAMETERS, "lmtp_destination_concurrency_limit": "20"})
        held_queue.fill(lab, messages, "user@example.com")
        held_queue.release(lab)
        lab.flush()
        wait_until(lambda: lab.log().count("status=sent") >= messages, "all deliveries")
        wait_until(lambda: "Mail queue is empty" in lab.command("postqueue", "-p"), "an empty queue")
        processes = len(lab.pids_in_log())
        lab.stop()
        wait_until(lambda: not lab.programs(), "the end of all processes")
        recipients = self.given(relay)
        self.assertEqual((len(recipients), len(set(recipients))), (messages, messages))
        sessions = [each for each in relay.connections if each["transactions"]]
        print(f"{messages} messages, 20 at once: {processes} processes, {len(sessions)} sessions")
        self.assertLess(processes, messages / 2)
        self.assertLessEqual(len(sessions), processes + messages / 100)


class FailoverTest(LabCase):
    def test_dead_first(self) -> None:
        first, second = self.relay("on greeting: reply 421 4.3.2 closing ; close"), self.relay()
        lab = self.lab(first, second, options=("-o", "cool_down=1h", "-o", "cool_down_max=1h"))
        for domain, daemon in (("example.com", "lmtp"), ("pipe.example", "pipe")):
            for _ in range(3):
                result = lab.wait_for_delivery(lab.submit(MESSAGE, f"user@{domain}"))
                self.assert_result(result, daemon, "sent", "2.0.0", second.name)
        # What one front end has found out is known to the other.
        self.assertEqual((len(first.connections), len(second.accepted)), (1, 6))

    def test_all_down_then_up(self) -> None:
        relay = self.relay("on greeting connection 1: reply 421 4.3.2 closing ; close")
        lab = self.lab(relay, options=("-o", "cool_down=1s", "-o", "cool_down_max=1s"))
        queue_id = lab.submit(MESSAGE, *at("example.com", "a", "b"))
        for result in self.results(lab, queue_id, 2).values():
            self.assertEqual((result.status, result.dsn[:2]), ("deferred", "4."), result)
        self.flush_until_gone(lab, queue_id)
        self.assertEqual(sorted(self.given(relay)), at("example.com", "a", "b"))
