"""The policy server of a chain: what it is asked, what its answers do, and that nothing it does wrong costs mail."""

from __future__ import annotations

import os
import socket
from typing import Any, Callable

from chain_case import RECIPIENT, SENDER, ChainCase, RefusedPort, Result, each, free_port, wait_until
from policy_lab import Postfwd, RawPolicy, ScriptedPolicy, answering, postfwd_program, read_request

CHAINS = """
    [chain.outbound]
    tiers = [["one"]]
    policy = "%s"
    [chain.bulk]
    tiers = [["two"]]
"""
QUEUE_ID = "4Xyz12345z"


class PolicyCase(ChainCase):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.two = self.relay(), self.relay()

    def use(self, where: str) -> None:
        self.configure(CHAINS % where, one=self.one, two=self.two)

    def server(self, table: str, where: str = "") -> ScriptedPolicy:
        found = ScriptedPolicy(self.directory, where or f"unix:{self.directory}/policy", table)
        self.addCleanup(found.stop)
        self.use(found.where)
        return found

    def raw(self, treat: Callable[[socket.socket], None]) -> RawPolicy:
        found = RawPolicy(self.directory / "policy", treat)
        self.addCleanup(found.stop)
        self.use(found.where)
        return found


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


class Broken(PolicyCase):
    """The chain as it is, and one line in the log."""

    def assert_as_it_is(self, result: Result, where: str) -> None:
        self.assert_sent(result, by=self.one)
        lines = self.logged(QUEUE_ID, "policy", where, "outbound")
        self.assertEqual(len(lines), 1, self.syslog.lines)

    def deliver_here(self) -> Result:
        return self.deliver("outbound", options=("--queue-id", QUEUE_ID))

    @each({
        "garbage": (os.urandom(300).replace(b"\n", b"x") + b"\n\n",),
        "no_action": (b"result=DUNNO\n\n",),
        "empty": (b"\n",),
        "half": (b"action=bulk",),
        "half_line": (b"action=bulk\n",),
        "nothing": (b"",),
        "unknown_chain": (b"action=nochain\n\n",),
        "bad_list": (b"action=[127.0.0.1:25\n\n",),
        "empty_action": (b"action=\n\n",),
        "endless": (b"action=" + b"x" * 200_000,),
        "postfix_action_of_another_kind": (b"action=PREPEND X-Test: yes\n\n",),
    })
    def test_answer(self, answer: bytes) -> None:
        server = self.raw(answering(answer))
        self.assert_as_it_is(self.deliver_here(), server.where)

    def test_silence(self) -> None:
        server = self.raw(lambda client: None)
        result = self.deliver_here()
        self.assert_as_it_is(result, server.where)
        self.assertGreaterEqual(result.seconds, 4.5)

    def test_drip_does_not_stretch_the_limit(self) -> None:
        """An octet now and then is no answer; the delivery would last for the 30 s a test may wait."""

        def drip(client: socket.socket) -> None:
            read_request(client)
            client.settimeout(0.5)
            while True:
                client.sendall(b"a")
                try:
                    if client.recv(1) == b"":
                        return
                except TimeoutError:
                    continue

        server = self.raw(drip)
        self.assert_as_it_is(self.deliver_here(), server.where)

    def test_closes_at_once(self) -> None:
        server = self.raw(lambda client: client.close())
        self.assert_as_it_is(self.deliver_here(), server.where)

    def test_dead_socket(self) -> None:
        path = self.directory / "policy"
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        self.use(f"unix:{path}")
        self.assert_as_it_is(self.deliver_here(), str(path))

    def test_no_socket(self) -> None:
        self.use(f"unix:{self.directory}/nothing")
        self.assert_as_it_is(self.deliver_here(), "nothing")

    def test_refused_port(self) -> None:
        dead = self.dead(RefusedPort)
        self.use(f"inet:127.0.0.1:{dead.port}")
        self.assert_as_it_is(self.deliver_here(), f"127.0.0.1:{dead.port}")

    def test_answer_in_pieces_is_an_answer(self) -> None:
        def pieces(client: socket.socket) -> None:
            read_request(client)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
            for octet in b"action=bulk\n\n":
                client.sendall(bytes([octet]))

        self.raw(pieces)
        self.assert_sent(self.deliver_here(), by=self.two)


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
        self.assertEqual((gone.status, gone.text), (77, "5.7.1 no longer a customer\n"))
        self.assertEqual(self.logged("policy server"), [])
