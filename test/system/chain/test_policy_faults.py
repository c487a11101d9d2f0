"""Nothing a policy server does wrong costs mail, or more than its five seconds."""

from __future__ import annotations

import random
import signal
import socket
import threading

from policy_case import QUEUE_ID, PolicyCase
from policy_lab import answering, read_request
from support.case import MESSAGE, each
from support.relays import LIMIT, RefusedPort
from support.runs import Delivery, Result, Surroundings


class Broken(PolicyCase):
    """The chain as it is, and one line in the log."""

    def assert_as_it_is(self, result: Result, where: str) -> None:
        self.assert_sent(result, by=self.one)
        lines = self.logged(QUEUE_ID, "policy", where, "outbound")
        self.assertEqual(len(lines), 1, self.syslog.lines)

    def deliver_here(self) -> Result:
        return self.deliver("outbound", options=("--queue-id", QUEUE_ID))

    @each({
        "garbage": (random.Random(1).randbytes(300).replace(b"\n", b"x") + b"\n\n",),
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


class Interrupted(PolicyCase):
    """Nobody waits for a silent server once nobody waits for the result: the message is deferred, and that is all the log
    says. A wait that goes on for its five seconds ends with a line about the server instead."""

    def ask(self, orphan: bool = False) -> Delivery:
        """A delivery whose question has arrived and gets no answer."""
        asked = threading.Event()

        def silence(client: socket.socket) -> None:
            read_request(client)
            asked.set()
            client.recv(1)

        self.raw(silence)
        delivery = self.start("outbound", options=("--queue-id", QUEUE_ID),
                              around=Surroundings(self.queue, orphan=orphan))
        delivery.feed(MESSAGE)
        delivery.end_input()
        self.assertTrue(asked.wait(LIMIT))
        return delivery

    def assert_ended(self, result: Result, words: str) -> None:
        self.assertEqual(result.status, 75, result)
        self.assert_dialled(self.one, 0)
        lines = self.syslog.stop()
        self.assertEqual(len(lines), 1, lines)
        for word in (QUEUE_ID, "verdict=deferred", words):
            self.assertIn(word, lines[0])

    @each({"sigterm": (signal.SIGTERM,), "sighup": (signal.SIGHUP,)})
    def test_signal(self, number: int) -> None:
        delivery = self.ask()
        delivery.signal(number)
        result = self.finish(delivery)
        self.assert_deferred(result, r"4\.3\.2", words=("interrupted by a signal",))
        self.assert_ended(result, "interrupted by a signal")

    def test_nobody_reads_the_result(self) -> None:
        delivery = self.ask()
        delivery.close_output()
        self.assert_ended(self.finish(delivery, check=False), "the writer of the message is gone")

    def test_death_of_the_parent(self) -> None:
        delivery = self.ask(orphan=True)
        delivery.kill_parent()
        delivery.close_output()
        self.assert_ended(self.finish(delivery, check=False), "the writer of the message is gone")
