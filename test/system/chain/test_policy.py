"""The policy server of a chain: what it is asked, and what its answers do."""

from __future__ import annotations

import os
import socket
from typing import Any

from policy_case import QUEUE_ID, PolicyCase
from policy_lab import Postfwd, postfwd_program
from support.case import RECIPIENT, SENDER, each
from support.machine import free_port, wait_until
from support.relays import RefusedPort


class Answers(PolicyCase):
    @each({"dunno": ("DUNNO",), "ok": ("OK",), "letter_case": ("dunno",)})
    def test_chain_as_it_is(self, answer: str) -> None:
        server = self.server(f"{SENDER} {answer}")
        self.assert_sent(self.deliver("outbound"), by=self.one)
        self.assertEqual(len(server.requests), 1)
        self.assertEqual(self.logged("policy"), [])

    def test_chain(self) -> None:
        self.server(f"{SENDER} bulk")
        self.assert_sent(self.deliver("outbound"), by=self.two)

    def test_other_senders_keep_the_chain(self) -> None:
        self.server("news@example.org bulk")
        self.assert_sent(self.deliver("outbound"), by=self.one)

    def test_list(self) -> None:
        self.server(f"{SENDER} {self.dead(RefusedPort).destination}, {self.two.destination}")
        self.assert_sent(self.deliver("outbound"), by=self.two)

    @each({
        "plain": ("DEFER not yet", "4.7.1 not yet"),
        "status": ("DEFER 4.3.2 back at noon", "4.3.2 back at noon"),
        "no_text": ("DEFER", "4.7.1 "),
        "wrong_class": ("DEFER 5.3.2 back at noon", "4.7.1 back at noon"),
        "letter_case": ("defer 4.3.2 back at noon", "4.3.2 back at noon"),
    })
    def test_defer(self, answer: str, text: str) -> None:
        self.server(f"{SENDER} {answer}")
        result = self.deliver("outbound")
        self.assert_deferred(result)
        self.assertTrue(result.text.startswith(text), result)
        self.assert_dialled(self.one, 0)

    @each({
        "plain": ("REJECT go away", 77, "5.7.1 go away"),
        "status": ("REJECT 5.1.1 no such customer", 67, "5.1.1 no such customer"),
        "no_text": ("REJECT", 77, "5.7.1 "),
        "wrong_class": ("REJECT 4.1.1 no such customer", 77, "5.7.1 no such customer"),
    })
    def test_reject(self, answer: str, status: int, text: str) -> None:
        self.server(f"{SENDER} {answer}")
        result = self.deliver("outbound")
        self.assert_bounced(result, r"5\.\d\.\d")
        self.assertEqual(result.status, status, result)
        self.assertTrue(result.text.startswith(text), result)
        self.assert_dialled(self.one, 0)

    def test_decision_is_logged(self) -> None:
        self.server(f"{SENDER} DEFER 4.3.2 back at noon")
        self.deliver("outbound", options=("--queue-id", QUEUE_ID))
        self.assertEqual(len(self.logged(QUEUE_ID, "4.3.2", "back at noon")), 1, self.syslog.lines)

    def test_nothing_is_asked_for_a_list(self) -> None:
        server = self.server(f"{SENDER} bulk")
        self.assert_sent(self.deliver(self.one), by=self.one)
        self.assertEqual(server.requests, [])

    def test_chain_reached_by_a_rule_has_its_policy_asked(self) -> None:
        server = self.server(f"{SENDER} DEFER 4.3.2 back at noon")
        self.write(self.config.read_text() + '[chain.start]\ntiers = [["one"]]\nby_sender = { "@example.org" = '
                                             '"outbound" }\n')
        self.assert_deferred(self.deliver("start"), r"4\.3\.2")
        self.assertEqual(len(server.requests), 1)


class Plan(PolicyCase):
    """plan asks the server too, and says what came of it."""

    @each({"chain": ("bulk", "bulk", "two"), "dunno": ("DUNNO", "outbound", "one"), "list": ("$two", "", "two")})
    def test_predicts_the_delivery(self, answer: str, chain: str, relay: str) -> None:
        expected = getattr(self, relay)
        server = self.server(f"{SENDER} {answer.replace('$two', self.two.destination)}")
        told = self.plan("--json", "--nexthop", "outbound").json
        self.assertEqual((told["chain"], told["legs"][0]["port"]), (chain, expected.port))
        self.assertIn(server.where, told["policy"])
        self.assertIn(server.where, self.plan("--nexthop", "outbound").text)
        self.assert_sent(self.deliver("outbound"), by=expected)

    @each({"defer": ("DEFER 4.3.2 back at noon",), "reject": ("REJECT 5.7.1 go away",)})
    def test_no_plan(self, answer: str) -> None:
        self.server(f"{SENDER} {answer}")
        told = self.plan("--json", "--nexthop", "outbound")
        self.assertEqual(told.status, 1, told)
        self.assertIn(answer.partition(" ")[2], told.json["error"])
        self.assertIn(answer.partition(" ")[2], self.plan("--nexthop", "outbound").text)

    def test_dead_server(self) -> None:
        self.use(f"unix:{self.directory}/nothing")
        told = self.plan("--json", "--nexthop", "outbound")
        self.assertEqual((told.status, told.json["legs"][0]["port"]), (0, self.one.port))
        self.assertIn("nothing", told.json["policy"])


class Sockets(PolicyCase):
    def test_inet(self) -> None:
        server = self.server(f"{SENDER} bulk", f"inet:127.0.0.1:{free_port()}")
        self.assert_sent(self.deliver("outbound"), by=self.two)
        self.assertEqual(len(server.requests), 1)

    def test_localhost(self) -> None:
        port = free_port()
        self.server(f"{SENDER} bulk", f"inet:127.0.0.1:{port}")
        self.use(f"inet:localhost:{port}")
        self.assert_sent(self.deliver("outbound"), by=self.two)

    def test_host_name_works_or_is_refused(self) -> None:
        """What `check` lets pass has to work: /etc/hosts knows this name on any machine, or the file is wrong."""
        port = free_port()
        self.server(f"{SENDER} bulk", f"inet:127.0.0.1:{port}")
        self.use(f"inet:{socket.gethostname()}:{port}")
        if self.check().status == 2:
            return
        try:
            reached = socket.gethostbyname(socket.gethostname()).startswith("127.")
        except OSError:
            reached = False
        if not reached:
            self.skipTest("this machine's name is no loopback address")
        self.assert_sent(self.deliver("outbound"), by=self.two)


class Attributes(PolicyCase):
    OPTIONS = ("--queue-id", QUEUE_ID, "--size", "75", "--client-address", "192.0.2.9", "--client-name",
               "client.example", "--client-helo", "helo.example", "--client-port", "12345", "--client-protocol",
               "ESMTP", "--sasl-username", "someone")

    def asked(self, **arguments: Any) -> dict[str, str]:
        server = self.server("")
        self.carrier(self.deliver("outbound", **arguments))
        request, = server.requests
        return request

    def test_all(self) -> None:
        expected = {
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP",
            "helo_name": "helo.example", "queue_id": QUEUE_ID, "sender": SENDER, "recipient": RECIPIENT,
            "recipient_count": "1", "client_address": "192.0.2.9", "client_name": "client.example",
            "client_port": "12345", "sasl_username": "someone", "size": "75", "relaypipe_nexthop": "outbound",
        }
        request = self.asked(options=self.OPTIONS)
        self.assertTrue(request.pop("instance"))
        self.assertEqual(request, expected)

    def test_null_sender(self) -> None:
        self.assertEqual(self.asked(sender="")["sender"], "")

    def test_several_recipients(self) -> None:
        """As Postfix at END-OF-MESSAGE."""
        request = self.asked(to=(RECIPIENT, "other@example.net"))
        self.assertEqual((request["recipient"], request["recipient_count"]), ("", "2"))

    def test_line_ends_cannot_forge_attributes(self) -> None:
        request = self.asked(options=("--sasl-username", "a\nsender=b@forged.example\n\naction=x"))
        self.assertEqual(request["sender"], SENDER)
        self.assertNotIn("action", request)

    def test_utf8(self) -> None:
        self.assertEqual(self.asked(sender="grün@example.org")["sender"], "grün@example.org")


class PostfwdTest(PolicyCase):
    """A policy server of another author, deciding by sender."""

    def test_postfwd(self) -> None:
        if not postfwd_program():
            self.skipTest("postfwd is not installed")
        if os.geteuid() != 0:
            self.skipTest("postfwd becomes another user, which only root may do")
        server = Postfwd(self.directory, free_port(), "\n".join([
            r"id=NEWS;  sender=~@news\.example$; action=bulk",
            rf"id=LIST;  sender=~@list\.example$; action={self.two.destination}",
            r"id=HELD;  sender=~@held\.example$; size=>50; action=DEFER 4.7.1 held by rule",
            r"id=GONE;  sender=~@gone\.example$; action=REJECT 5.7.1 no longer a customer", ""]))
        self.addCleanup(server.stop)
        wait_until(server.ready, "postfwd")
        self.use(server.where)
        for sender, relay in (("a@news.example", self.two), ("a@list.example", self.two), (SENDER, self.one)):
            self.assertEqual(self.carrier(self.deliver("outbound", sender=sender)), relay, sender)
        held = self.deliver("outbound", sender="a@held.example", options=("--size", "75"))
        self.assertTrue(held.text.startswith("4.7.1 held by rule"), held)
        gone = self.deliver("outbound", sender="a@gone.example")
        self.assertEqual((gone.status, gone.text), (77, "5.7.1 no longer a customer"))
        self.assertEqual(self.logged("policy server"), [])
